// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.holdfast.flush.Granularity;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Pool;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs everything, as shortly as can be; what the figures are is none of its business. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BenchTest {
  private static final Effort SHORTEST =
      new Effort(
          1_000_000,
          200_000,
          3,
          new int[] {1, 32},
          1000,
          new long[] {16 << 20},
          1,
          1000,
          2000,
          new long[] {16 << 20, 32 << 20},
          new int[] {100, 1000});

  @TempDir Path folder;
  @TempDir Path results;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... words) {
    return Bench.run(List.of(words), new PrintStream(out), new PrintStream(err));
  }

  private int runShortly(Benchmark benchmark) {
    Options options = new Options(List.of(benchmark), SHORTEST, folder, results, null);
    return Bench.run(options, new PrintStream(out), new PrintStream(err));
  }

  private static String text(ByteArrayOutputStream stream) {
    return stream.toString(StandardCharsets.UTF_8);
  }

  private Report onlyReport() throws IOException {
    List<Report> reports = Results.readAll(results);
    assertEquals(1, reports.size());
    return reports.getFirst();
  }

  @ParameterizedTest
  @CsvSource({
    "persist, 1 in a row, 64 scattered",
    "tx, k = 1, 'k = 1, no flushing'",
    "latency, p50, 'Java heap, for each'",
    "scale, pool of 16 MB, 'map put, random keys'",
    "codec, 'encode', 'get and decode'",
    "open, '16 MB, half full', last recovery",
  })
  void run_each_printsTableAndWritesReport(String name, String first, String last)
      throws IOException {
    assertRuns(Bench.named(name), first, last);
    assertNamesItsMedium();
    if (Pictures.draw(onlyReport()) != null) {
      assertNames(onlyReport(), Xml.texts(Pictures.draw(onlyReport())));
    }
  }

  /** What has a line in the picture is named there, and its sizes are on the axis. */
  private static void assertNames(Report report, List<String> words) {
    List<Row> drawn =
        report.rows().stream()
            .filter(row -> row.unit() == Unit.NANOS)
            .filter(row -> words.contains("" + row.size()))
            .toList();
    assertTrue(drawn.size() > 1, words::toString);
    for (Row row : drawn) {
      names(row).forEach(name -> assertTrue(words.contains(name), words + " without " + name));
    }
  }

  @Test
  void run_map_printsTableAndWritesReport() throws IOException {
    List<String> startingFast = List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");
    assertRuns(new MapBenchmark(startingFast), "put, 1 thread", "get, 2 threads");
    assertNamesItsMedium();
  }

  @Test
  void run_resp_printsTableAndWritesReport() throws IOException {
    assertRuns(Bench.named("resp"), "pipelined by 16", "one by one");
  }

  private void assertNamesItsMedium() {
    assertTrue(text(out).contains("survives p"), text(out));
  }

  private void assertRuns(Benchmark benchmark, String first, String last) throws IOException {
    int status = runShortly(benchmark);
    String name = benchmark.name();
    assertEquals("", text(err));
    assertEquals(0, status);
    String table = text(out);
    assertTrue(table.contains(System.getProperty("java.vm.version")), table);
    assertTrue(table.contains("\n" + name + ": "), table);
    assertTrue(table.contains(first), table);
    assertTrue(table.contains(last), table);
    assertEquals(0, folder.toFile().list().length, "files are left");
    assertIsComplete(onlyReport(), name, table);
    assertAllTookPart(onlyReport(), table);
  }

  /** What was printed is what was written, and has what the figures cannot be judged without. */
  private static void assertIsComplete(Report report, String name, String table) {
    assertEquals(name, report.benchmark());
    assertTrue(report.machine().contains(System.getProperty("java.vm.version")));
    assertTrue(report.date().matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:00Z"), report.date());
    assertNotNull(report.commit());
    for (Row row : report.rows()) {
      assertTrue(table.contains("\n  " + row.what() + " "), row.what());
      for (Figure figure : row.figures()) {
        assertTrue(table.contains("\n    " + figure.name() + " "), figure.name());
        // A compiler may find that nothing has to be allocated.
        assertTrue(figure.median() > 0 || row.unit() == Unit.BYTES, figure.name());
      }
    }
  }

  /** Of these, only what comes from outside Maven may be missing, and that is said. */
  private static void assertAllTookPart(Report report, String table) {
    Row row = report.rows().getFirst();
    switch (report.benchmark()) {
      case "map" -> assertEquals(MapKind.values().length, row.figures().size(), table);
      case "tx" -> {
        for (String name : List.of(TransactionBenchmark.PMEMOBJ, TransactionBenchmark.LLPL)) {
          boolean missing = table.contains("without " + name + ": ");
          assertEquals(missing, row.figure(name) == null, name);
        }
      }
      default -> assertFalse(row.figures().isEmpty());
    }
  }

  @Test
  void run_servers_rowsOrLineThatSaysWhatIsMissing() throws IOException {
    assertEquals(
        0,
        runShortly(
            new KvBenchmark(JavaCommand.of(FakeServe.class.getName(), List.of(), List.of()))),
        text(err));
    if (text(out).contains("left out: ")) {
      assertTrue(text(out).contains("is not installed (Debian: redis-"), text(out));
    } else {
      Report report = onlyReport();
      assertIsComplete(report, "kv", text(out));
      assertEquals(4, report.rows().size());
      assertEquals(4, report.rows().getFirst().figures().size());
      assertPictureHasAll(report);
    }
  }

  @Test
  void run_serverMissing_lineAndStatus0AndNoReport() throws IOException {
    assertEquals(0, runShortly(new KvBenchmark(List.of("no/such/server"))));
    assertEquals("", text(err));
    assertTrue(text(out).contains("left out: no/such/server is not there"), text(out));
    assertEquals(List.of(), Results.readAll(results));
  }

  @Test
  void run_contestantMissing_lineAndTheOthersRun() throws IOException {
    Benchmark benchmark = new WithMissing();
    assertEquals(0, runShortly(benchmark));
    assertTrue(text(out).contains("without it: there is none"), text(out));
    assertEquals(List.of("holdfast"), names(onlyReport().rows().getFirst()));
  }

  private static List<String> names(Row row) {
    return row.figures().stream().map(Figure::name).toList();
  }

  private static final class WithMissing implements Benchmark {
    @Override
    public String name() {
      return "missing";
    }

    @Override
    public String title() {
      return "a contestant that is not there";
    }

    @Override
    public void run(Setting setting) throws IOException {
      try (Rivals rivals = new Rivals(setting.journal())) {
        rivals.start(
            "it",
            () -> {
              throw new Unavailable("there is none");
            });
        rivals.awaitReady();
        Race race = new Race("something", 1).ours("holdfast", operations -> operations);
        rivals.enter(race, "it", "do", 1);
        setting.run(race.goal("holdfast", "it", 1.0));
      }
    }
  }

  @Test
  void program_alone_standsStillBetweenItsTurns() throws Exception {
    String counts = "echo ready; i=0; while read -r a b c; do i=$((i+1)); echo $i; done";
    try (Program program = Program.start(Map.of(), List.of("sh", "-c", counts))) {
      assertEquals("", program.awaitReady());
      Contestant contestant = program.commandAlone("count", 1);
      assertEquals(1, contestant.run(1));
      assertEquals(2, contestant.run(1));
      Path stat = Path.of("/proc/" + program.pid() + "/stat");
      while (!Files.readString(stat).contains(" T ")) { // a signal takes its time
        Thread.sleep(1);
      }
    }
  }

  // ---- pictures

  private static Report sample(String benchmark, String what, Unit unit) {
    Figure ours = new Figure("holdfast, held back", 200, 3, List.of());
    Figure theirs =
        new Figure("libpmemobj (C)", 700, 4, List.of(new Figure.Ratio(ours.name(), 0.29, 2)));
    Row first = new Row(what + 1, 1, unit, List.of(ours, theirs), List.of());
    Row second = new Row(what + 32, 32, unit, List.of(theirs, ours), List.of());
    return new Report(
        benchmark,
        "<&>",
        "2026-01-02T03:04:00Z",
        "abc",
        "<machine>",
        0.5,
        Report.SPREAD,
        List.of("note"),
        List.of(first, second));
  }

  @ParameterizedTest
  @CsvSource({"tx, 'k = ', NANOS", "map, 'put ', NANOS", "kv, 'SET ', PER_SECOND"})
  void picture_hasEveryRowAndContestantAndItsOrigin(String benchmark, String what, Unit unit) {
    assertPictureHasAll(sample(benchmark, what, unit));
  }

  private static void assertPictureHasAll(Report report) {
    List<String> words = Xml.texts(Pictures.draw(report));
    for (Row row : report.rows()) {
      String wanted = report.benchmark().equals("tx") ? "" + row.size() : row.what();
      assertTrue(words.contains(wanted), words + " without " + wanted);
      names(row).forEach(name -> assertTrue(words.contains(name), words + " without " + name));
    }
    assertTrue(words.contains(report.machine()), words::toString);
    String origin = report.date().substring(0, 10) + ", commit " + report.commit();
    assertTrue(words.stream().anyMatch(line -> line.startsWith(origin)), words::toString);
  }

  @Test
  void draw_fromReports_writesPictures() throws IOException {
    Results.write(results, sample("map", "put ", Unit.NANOS));
    Results.write(results, sample("persist", "row ", Unit.NANOS));
    assertEquals(0, run("draw", "--results", results.toString(), "--pictures", folder.toString()));
    assertEquals("", text(err));
    assertEquals(List.of("map.svg"), List.of(folder.toFile().list()));
  }

  @Test
  void draw_noReports_status1() {
    Path none = folder.resolve("none");
    assertEquals(1, run("draw", "--results", none.toString(), "--pictures", folder.toString()));
    assertEquals(1, text(err).lines().count());
  }

  @Test
  void pictures_checkedIn_areDrawnFromTheResultsCheckedIn() throws IOException {
    Path home = Path.of("..");
    Pictures.draw(home.resolve("bench/results"), folder);
    Path images = home.resolve("src/site/resources/images");
    try (Stream<Path> drawn = Files.list(folder)) {
      for (Path picture : drawn.toList()) {
        String there = Files.readString(images.resolve(picture.getFileName()));
        assertEquals(Files.readString(picture), there, picture + ": ./holdfast bench draw");
      }
    }
  }

  @Test
  void labels_tooNear_areMovedApartInOrder() {
    double[] places = LineChart.apart(new double[] {100, 101, 102, 300});
    for (int i = 1; i < places.length; i++) {
      assertTrue(places[i] - places[i - 1] > 15.5, Arrays.toString(places));
    }
    assertEquals(300, places[3]);
  }

  @Test
  void scale_ticks_areRoundNumbers() {
    Scale up = Scale.logarithmic(130, 17_000, 400, 0);
    assertEquals(
        List.of(100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4),
        up.ticks().stream().map(Figure::rounded).toList());
    assertEquals(400, up.at(100));
    assertEquals(0, up.at(20_000), 1e-9);
    Scale bars = new Scale(Scale.Kind.LINEAR, 0, 80, 0, 100);
    assertEquals(List.of(0.0, 20.0, 40.0, 60.0, 80.0), bars.ticks());
    assertEquals(50, bars.at(40));
  }

  @Test
  void report_writtenAndRead_isTheSame() throws IOException {
    Report report = sample("map", "put ", Unit.PER_SECOND);
    Path file = Results.write(results, report);
    assertEquals(report, onlyReport());
    JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    JsonObject row = json.getAsJsonArray("rows").get(0).getAsJsonObject();
    assertEquals("1/s", row.get("unit").getAsString());
    assertEquals("put 1", row.get("what").getAsString());
  }

  // ---- the command line

  @ParameterizedTest
  @ValueSource(
      strings = {
        "persist persits",
        "persist --dir",
        "--results",
        "draw map",
        "--dir /no",
        "--larger",
        "tx --quick --record",
        "scale --large --record"
      })
  void run_wrongWord_oneLineAndStatus2(String words) {
    assertEquals(2, run(words.split(" ")));
    assertEquals("", text(out));
    assertEquals(1, text(err).lines().count(), text(err));
  }

  @Test
  void run_help_listsAll() {
    assertEquals(0, run("--help"));
    for (String name :
        List.of(
            "persist",
            "tx",
            "latency",
            "scale",
            "map",
            "codec",
            "resp",
            "open",
            "kv",
            "jmh",
            "draw",
            "--quick",
            "--large",
            "--record")) {
      assertTrue(text(out).contains(name), name);
    }
  }

  @Test
  void large_isFullAmongMoreBlocks() {
    Effort large = Options.parse(List.of("scale", "--large")).effort();
    assertEquals(100_000_000, large.liveBlocks()[large.liveBlocks().length - 1]);
    assertEquals(Effort.FULL.rounds(), large.rounds());
  }

  @Test
  void replacing_everyThirdBlock_leavesAsManyLive() throws IOException {
    try (PersistentRegion region =
            new Setting(folder, SHORTEST, new Journal(new PrintStream(out)))
                .region("live", 16 << 20, Granularity.LINE);
        Pool pool = Pool.create(region, "bench")) {
      long before = pool.info().usedBytes();
      Contestant.Loop loop = TransactionBenchmark.replacing(pool, 3 * 1024, 3);
      long filled = pool.info().usedBytes();
      loop.run(5000);
      assertEquals(3 * 1024 * 64, filled - before);
      assertEquals(filled, pool.info().usedBytes());
    }
  }

  // ---- figures

  @Test
  void series_medianNoiseRatio() {
    Series ours = new Series(10, 30, 20, 40, 50);
    assertEquals(30, ours.median());
    assertEquals(100 * 20 / 30.0, ours.noise(), 1e-9);
    Series ratio = ours.over(new Series(10, 10, 10, 10, 10));
    assertEquals("[1.0, 3.0, 2.0, 4.0, 5.0]", Arrays.toString(ratio.values()));
  }

  @Test
  void race_ratesAndGoals_moreIsBetter() throws IOException {
    Race race =
        new Race("SET", 1, Unit.PER_SECOND)
            .ours("ours", operations -> 1000 * operations)
            .theirs("slower", operations -> 2000 * operations)
            .theirs("faster", operations -> 500 * operations)
            .goal("ours", "slower", 1.0)
            .goal("ours", "faster", 1.0)
            .goal("ours", "missing", 1.0);
    Row row = race.run(3, 10);
    assertEquals(1e6, row.figure("ours").median());
    assertEquals(2.0, row.figure("slower").ratios().getFirst().median());
    assertEquals(List.of(true, false), row.goals().stream().map(Goal::met).toList());
    assertFalse(row.goals().getFirst().line().contains("at most"));
  }
}
