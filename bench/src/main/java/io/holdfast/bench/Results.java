// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Reports as files, one for each benchmark, in JSON. */
final class Results {
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
  private static final String SUFFIX = ".json";

  private Results() {}

  static Path write(Path folder, Report report) throws IOException {
    Files.createDirectories(folder);
    Path file = folder.resolve(report.benchmark() + SUFFIX);
    return Files.writeString(file, GSON.toJson(report) + "\n");
  }

  /** All reports of a folder. */
  static List<Report> readAll(Path folder) throws IOException {
    List<Report> reports = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        if (file.toString().endsWith(SUFFIX)) {
          reports.add(read(file));
        }
      }
    }
    return reports;
  }

  private static Report read(Path file) throws IOException {
    try {
      return GSON.fromJson(Files.readString(file), Report.class);
    } catch (JsonParseException e) {
      throw new IOException(file + " is no report: " + e.getMessage(), e);
    }
  }
}
