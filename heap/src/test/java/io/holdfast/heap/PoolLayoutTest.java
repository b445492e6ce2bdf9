// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The format, in literal numbers: to be changed when the format's version is, and not before. */
class PoolLayoutTest {
  private final PersistentRegion region = PersistentRegion.over(Medium.inMemory(SamplePool.SIZE));
  private final Pool pool = SamplePool.createEmpty(region);

  /** Crash tests compare what they counted; and a handle must not fit what another opening made. */
  @Test
  void object_ofAPoolMadeAgain_hasTheSameHeader_andAnotherAfterItWasOpenedAgain() {
    long first = headerOfAnObject(pool);
    try (PersistentRegion again = PersistentRegion.over(Medium.inMemory(region.size()))) {
      Pool same = SamplePool.createEmpty(again);
      assertEquals(first, headerOfAnObject(same));
      same.close();
      assertNotEquals(first, headerOfAnObject(Pool.open(again, SamplePool.LAYOUT)));
    }
  }

  private static long headerOfAnObject(Pool in) {
    Account made = in.call(tx -> in.make(tx, Account.TYPE));
    return in.region().getLong(((ObjectType<Account>) Account.TYPE).offsetOf(in, made));
  }

  @AfterEach
  void close() {
    pool.close();
    region.close();
  }

  private String hex(long offset, int bytes) {
    byte[] copy = new byte[bytes];
    region.copyOut(offset, MemorySegment.ofArray(copy));
    return HexFormat.of().formatHex(copy);
  }

  private String text(long offset, int bytes) {
    byte[] copy = new byte[bytes];
    region.copyOut(offset, MemorySegment.ofArray(copy));
    return new String(copy, StandardCharsets.UTF_8);
  }

  /** 2 MiB: four lanes and two of the heap's own, with rings of 16 KiB each. */
  @Test
  void header_ofASmallPool_byteForByte() {
    String expected =
        "484f4c44504f4f4c000100000100000008070605040302011817161514131211"
            + "0068e5cf8b010000000020000000000000002000000000000020000000000000"
            + "00d001000000000000e001000000000000000200000000001e00000000000100"
            + "00000000000000002a00000000000000060000000000000073616d706c650000"
            + "0000000000000000000000000000000000000000000000000000000000000000"
            + "0000000000000000000000000000000000000000000000000000000000000000"
            + "0000000000000000000000000000000000000000000000000000000000000000"
            + "00000000000000000000000000000000000000000000000073d68ebf8a7ff5dc";
    assertEquals(expected, hex(0, 256));
    assertEquals(expected, hex(4096, 256));
  }

  @Test
  void header_fields_whereTheyAre() {
    assertEquals("HOLDPOOL", text(0, 8));
    assertEquals(256, region.getInt(8));
    assertEquals(1, region.getInt(12));
    assertEquals(0x0102030405060708L, region.getLong(16));
    assertEquals(0x1112131415161718L, region.getLong(24));
    assertEquals(1_700_000_000_000L, region.getLong(32));
    assertEquals(2 << 20, region.getLong(40));
    assertEquals(2 << 20, region.getLong(48));
    assertEquals(8192, region.getLong(56));
    assertEquals(118_784, region.getLong(64));
    assertEquals(122_880, region.getLong(72));
    assertEquals(131_072, region.getLong(80));
    assertEquals(30, region.getInt(88));
    assertEquals(65_536, region.getInt(92));
    assertEquals(0, region.getLong(96));
    assertEquals(42, region.getLong(104));
    assertEquals(6, region.getLong(112));
    assertEquals("sample", text(120, 6));
    assertEquals(0, region.getLong(240));
    assertNotEquals(0, region.getLong(248));
    assertEquals("HOLDFLOG", text(8192, 8));
  }

  @Test
  void parts_ofSeveralSizes_whereTheyAre() {
    assertEquals("69632 73728 131072 14 14", parts(1 << 20, 1 << 20, 6, 8192));
    assertEquals("69632 73728 393216 16378 10", parts(1 << 20, 1 << 30, 6, 8192));
    assertEquals("4354048 4358144 4390912 957 957", parts(64 << 20, 64 << 20, 66, 65_536));
  }

  private static String parts(long size, long maxSize, int lanes, int ring) {
    PoolLayout layout = PoolLayout.of(size, maxSize, lanes, ring);
    return layout.anchor()
        + " "
        + layout.table()
        + " "
        + layout.chunks()
        + " "
        + layout.capacity()
        + " "
        + layout.chunkCount();
  }

  // ---- chunk table, runs

  @Test
  void chunkTable_ofAnEmptyPool_oneFreeSpan() {
    assertEquals("739F01000000001E", "%016X".formatted(region.getLong(122_880)));
    for (long at = 122_888; at < 131_072; at += 8) {
      assertEquals(0, region.getLong(at), "offset=" + at);
    }
  }

  @Test
  void span_encoded_asLiterals() {
    List<String> words = new ArrayList<>();
    words.add("%016X".formatted(Span.free(1).encode(0)));
    words.add("%016X".formatted(Span.free(1).encode(1)));
    words.add("%016X".formatted(new Span(Span.Kind.RAW, 0, 1).encode(0)));
    words.add("%016X".formatted(new Span(Span.Kind.TYPED, 3, 1).encode(2)));
    words.add("%016X".formatted(new Span(Span.Kind.RAW, 255, 0x1234).encode(7)));
    assertEquals(
        List.of(
            "74E3010000000001",
            "0F4A010000000001",
            "EE4B020000000001",
            "9A1C030300000001",
            "125F02FF00001234"),
        words);
    assertEquals(
        new Span(Span.Kind.RAW, 255, 0x1234),
        Span.decode(7, new Span(Span.Kind.RAW, 255, 0x1234).encode(7)));
    assertNull(Span.decode(1, Span.free(1).encode(0)));
    assertNull(Span.decode(0, 0));
  }

  @Test
  void runs_ofEachSort_bitmapAndBlocksWhereTheyAre() {
    List<Long> offsets = new ArrayList<>();
    pool.run(tx -> {
      for (long bytes : new long[] {16, 16, 64, 4096, 4096, 100_000, 600_000}) {
        offsets.add(pool.allocate(tx, bytes).offset());
      }
    });
    assertEquals(
        List.of(131_584L, 131_600L, 196_736L, 262_144L, 266_240L, 327_680L, 655_360L), offsets);
    List<String> table = new ArrayList<>();
    for (int chunk = 0; chunk < 30; chunk++) {
      long word = region.getLong(122_880 + 16L * chunk);
      if (word != 0) {
        table.add(
            "%d: kind %d class %d chunks %d bits %X"
                .formatted(
                    chunk,
                    word >>> 40 & 0xFF,
                    word >>> 32 & 0xFF,
                    word & 0xFFFFFFFFL,
                    region.getLong(122_880 + 16L * chunk + 8)));
      }
    }
    assertEquals(
        List.of(
            "0: kind 2 class 0 chunks 1 bits 0",
            "1: kind 2 class 3 chunks 1 bits 0",
            "2: kind 2 class 47 chunks 1 bits 3",
            "3: kind 2 class 84 chunks 5 bits 1",
            "8: kind 2 class 255 chunks 10 bits 1",
            "18: kind 1 class 0 chunks 12 bits 0"),
        table);
    assertEquals(3, region.getLong(131_072), "the bitmap of 16-byte blocks is in front of them");
  }

  @Test
  void sizeClasses_table_asLiterals() {
    List<String> classes = new ArrayList<>();
    for (int c = 0; c < SizeClasses.COUNT; c++) {
      classes.add(
          "%d:%d/%d+%d"
              .formatted(
                  SizeClasses.size(c),
                  SizeClasses.blocks(c),
                  SizeClasses.runChunks(c),
                  SizeClasses.bitmapBytes(c)));
    }
    assertEquals(
        "16:4064/1+512 32:2040/1+256 48:1361/1+192 64:1022/1+128 80:817/1+128 "
            + "96:681/1+128 112:584/1+128 128:511/1+64 144:454/1+64 160:409/1+64 "
            + "176:372/1+64 192:341/1+64 208:314/1+64 224:292/1+64 240:272/1+64 "
            + "256:255/1+64 288:227/1+64 320:204/1+64 352:186/1+64 384:170/1+64 "
            + "416:157/1+64 448:146/1+64 480:136/1+64 512:127/1+64 576:113/1+64 "
            + "640:102/1+64 704:93/1+64 768:85/1+64 832:78/1+64 896:73/1+64 "
            + "960:68/1+64 1024:64/1+0 1152:56/1+0 1280:51/1+0 1408:46/1+0 "
            + "1536:42/1+0 1664:39/1+0 1792:36/1+0 1920:34/1+0 2048:32/1+0 "
            + "2304:28/1+0 2560:25/1+0 2816:23/1+0 3072:21/1+0 3328:19/1+0 "
            + "3584:18/1+0 3840:17/1+0 4096:16/1+0 4608:14/1+0 5120:12/1+0 "
            + "5632:11/1+0 6144:10/1+0 6656:19/2+0 7168:9/1+0 7680:8/1+0 "
            + "8192:8/1+0 9216:7/1+0 10240:6/1+0 11264:11/2+0 12288:5/1+0 "
            + "13312:14/3+0 14336:9/2+0 15360:4/1+0 16384:4/1+0 18432:7/2+0 "
            + "20480:3/1+0 22528:11/4+0 24576:5/2+0 26624:7/3+0 28672:9/4+0 "
            + "30720:2/1+0 32768:2/1+0 36864:5/3+0 40960:3/2+0 45056:7/5+0 "
            + "49152:4/3+0 53248:6/5+0 57344:8/7+0 61440:1/1+0 65536:1/1+0 "
            + "73728:5/6+0 81920:3/4+0 90112:5/7+0 98304:2/3+0 106496:3/5+0 "
            + "114688:4/7+0 122880:1/2+0 131072:1/2+0 147456:3/7+0 163840:2/5+0 "
            + "180224:4/11+0 196608:1/3+0 212992:3/10+0 229376:2/7+0 245760:1/4+0 "
            + "262144:1/4+0 294912:2/9+0 327680:1/5+0 360448:2/11+0 393216:1/6+0 "
            + "425984:2/13+0 458752:1/7+0 491520:1/8+0 524288:1/8+0",
        String.join(" ", classes));
  }

  // ---- roots, objects, strings

  @Test
  void rootRecords_listFromTheAnchor() {
    Block first = pool.root("first", Type.block(10));
    assertEquals("first", pool.roots().getFirst().name());
    long record = region.getLong(118_784);
    assertEquals(0, region.getLong(record));
    assertEquals(first.offset(), region.getLong(record + 8));
    assertEquals(5, region.getInt(record + 16));
    assertEquals(5, region.getInt(record + 20));
    assertEquals("firstblock", text(record + 24, 10));
    pool.root("m", Type.map(Codec.LONG, Codec.STRING));
    long second = region.getLong(118_784);
    assertEquals(record, region.getLong(second));
    assertEquals(1, region.getInt(second + 16));
    assertEquals(17, region.getInt(second + 20));
    assertEquals("mmap<long, string>", text(second + 24, 18));
  }

  @Test
  void object_headerFieldsAndText_whereTheyAre() {
    Account account = pool.root("account", Account.TYPE);
    pool.run(tx ->
        tx.edit(account)
            .owner("ann \u00e9")
            .balance(7)
            .number(8)
            .branch((short) 9)
            .kind((byte) 10));
    long at = pool.roots().getFirst().offset();
    assertNotEquals(0, region.getInt(at), "incarnation");
    assertEquals("6AFF20E5", "%08X".formatted(region.getInt(at + 4)));
    assertEquals(7, region.getLong(at + 8), "balance");
    assertEquals(8, region.getInt(at + 48), "number");
    assertEquals(9, region.getInt(at + 56), "branch and sign");
    assertEquals(10, region.getByte(at + 60), "kind");
    long owner = region.getLong(at + 40);
    assertEquals(6, region.getInt(owner));
    assertEquals("5F759433", "%08X".formatted(region.getInt(owner + 4)));
    assertEquals("ann \u00e9", text(owner + 8, 6));
    assertEquals(
        "&io.holdfast.heap.Account; io.holdfast.heap.Account{balance:long@8, data:block@16,"
            + " limit:double@24, next:&io.holdfast.heap.Account@32, owner:string@40, number:int@48,"
            + " rate:float@52, branch:short@56, sign:char@58, kind:byte@60, open:boolean@61}",
        pool.roots().getFirst().type());
  }

  // ---- logs, arrays of blocks

  @Test
  void log_everyWord() {
    PersistentLog log = pool.root("log", Type.log());
    assertEquals("log", pool.roots().getFirst().type());
    long at = pool.roots().getFirst().offset();
    assertEquals("RECDLOGS", text(at, 8));
    assertEquals("0".repeat(64), hex(at + 8, 32));
    log.append("hello, log".getBytes(StandardCharsets.UTF_8));
    log.append(new byte[0]);
    log.append(new byte[65_488]);
    log.truncate(24);
    long first = region.getLong(at + 8);
    long second = region.getLong(at + 24);
    assertEquals(24, region.getLong(at + 16), "begin");
    assertEquals(65_528, region.getLong(at + 32), "end");
    assertEquals(second, region.getLong(first), "next segment");
    assertEquals(0, region.getLong(first + 8), "start");
    assertEquals(10, region.getInt(first + 16), "bytes");
    assertEquals("3013D758", "%08X".formatted(region.getInt(first + 20)));
    assertEquals("hello, log", text(first + 24, 10));
    assertEquals("0".repeat(12), hex(first + 34, 6));
    assertEquals(0, region.getInt(first + 40), "bytes");
    assertEquals("3212B2AE", "%08X".formatted(region.getInt(first + 44)));
    assertEquals(0, region.getLong(second), "next segment");
    assertEquals(32, region.getLong(second + 8), "start");
    assertEquals(65_488, region.getInt(second + 16), "bytes");
  }

  @Test
  void blocks_everyWord() {
    PersistentBlocks blocks = pool.root("b", Type.blocks(520, 3));
    assertEquals("blocks<520, 3>", pool.roots().getFirst().type());
    long at = pool.roots().getFirst().offset();
    assertEquals("BLOCKARR", text(at, 8));
    assertEquals(520, region.getLong(at + 8));
    assertEquals(3, region.getLong(at + 16));
    long table = region.getLong(at + 24);
    assertEquals("0".repeat(48), hex(table, 24));
    assertNotEquals(0, region.getLong(at + 32), "spare");
    byte[] content = new byte[520];
    content[519] = 9;
    blocks.write(2, content);
    assertEquals(0, region.getLong(table));
    assertEquals(0, region.getLong(table + 8));
    assertEquals(9, region.getByte(region.getLong(table + 16) + 519));
    blocks.trim(2);
    assertEquals(0, region.getLong(table + 16));
  }

  // ---- index

  @Test
  void index_ofOneEntry_everyWord() {
    PersistentMap<Long, String> map = pool.root("names", SamplePool.NAMES);
    map.put(0x0102030405060708L, "abc");
    long index = pool.roots().getFirst().offset();
    assertEquals("HASHINDX", text(index, 8));
    assertEquals(0, region.getLong(index + 16), "depth");
    long directory = region.getLong(index + 8);
    long segment = region.getLong(directory);
    List<String> slots = new ArrayList<>();
    long record = 0;
    for (int i = 0; i < 512; i++) {
      long word = region.getLong(segment + 8L * i);
      if (word != 0) {
        record = word & 0xFFFFFFFFFFFFL;
        slots.add("%d: %04X".formatted(i, word >>> 48));
      }
    }
    assertEquals(List.of("400: 7532"), slots);
    assertEquals(8, region.getInt(record), "key bytes");
    assertEquals(3, region.getInt(record + 4), "value bytes");
    assertEquals("FA4A39C72C753272", "%016X".formatted(region.getLong(record + 8)));
    assertEquals(0x0102030405060708L, region.getLong(record + 16));
    assertEquals("abc", text(record + 24, 3));
  }

  @Test
  void index_afterSplits_directoryWordsHaveDepthAndSegment() {
    PersistentMap<Long, String> map = pool.root("names", SamplePool.NAMES);
    for (long i = 0; i < 1000; i++) {
      map.put(i, "");
    }
    long index = pool.roots().getFirst().offset();
    int depth = (int) region.getLong(index + 16);
    assertEquals(2, depth);
    long directory = region.getLong(index + 8);
    StringBuilder depths = new StringBuilder();
    int found = 0;
    for (int i = 0; i < 1 << depth; i++) {
      long word = region.getLong(directory + 8L * i);
      int segmentDepth = (int) (word >>> 56);
      long segment = word & 0xFFFFFFFFFFFFL;
      depths.append(segmentDepth);
      boolean firstOfItsSegment = i % (1 << (depth - segmentDepth)) == 0;
      for (int slot = 0; firstOfItsSegment && slot < 512; slot++) {
        long record = region.getLong(segment + 8L * slot) & 0xFFFFFFFFFFFFL;
        if (record != 0) {
          long hash = region.getLong(record + 8);
          found++;
          assertEquals(i >> (depth - segmentDepth), hash >>> (64 - segmentDepth));
          assertEquals(hash >>> 8 & 0xFFFF, region.getLong(segment + 8L * slot) >>> 48);
          long home = hash & 63;
          assertEquals(0, (slot / 8 - home & 63) & -2, "its bucket or the next");
        }
      }
    }
    assertEquals("2222", depths.toString());
    assertEquals(1000, found);
  }
}
