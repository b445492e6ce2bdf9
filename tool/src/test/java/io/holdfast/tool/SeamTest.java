// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Pool;
import io.holdfast.tool.ClassFiles.Compiled;
import io.holdfast.tx.spi.TransactionAccess;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The one door to the medium: nothing beside the classes named here can reach mapped memory, native
 * functions, or raw bytes that may be written. And modules use each other in one direction.
 */
class SeamTest {
  /** A way past the door. */
  private enum Way {
    NATIVE_FUNCTIONS,
    ANY_ADDRESS,
    MAPPED_FILES,
    UNSAFE,
    WRITABLE_BYTES;

    boolean isTaken(Compiled one) {
      return switch (this) {
        case NATIVE_FUNCTIONS ->
            hasText(one, "java/lang/foreign/(Linker|SymbolLookup)")
                || one.members().contains("java/lang/System.loadLibrary")
                || one.members().contains("java/lang/System.load");
        case ANY_ADDRESS ->
            one.members().contains("java/lang/foreign/MemorySegment.reinterpret")
                || one.members().contains("java/lang/foreign/MemorySegment.ofAddress");
        case MAPPED_FILES -> one.members().contains("java/nio/channels/FileChannel.map");
        case UNSAFE -> hasText(one, "(sun[./]misc[./]Unsafe|jdk[./]internal[./])");
        case WRITABLE_BYTES ->
            one.members().stream()
                .anyMatch(member -> member.matches("io/holdfast/(flush|crash)/.*\\.writable"));
      };
    }

    private static boolean hasText(Compiled one, String part) {
      Pattern pattern = Pattern.compile(part);
      return one.texts().stream().anyMatch(text -> pattern.matcher(text).find());
    }
  }

  /** Each name here is a place to review. */
  private static final Map<Way, Set<String>> ALLOWED =
      Map.of(
          Way.NATIVE_FUNCTIONS,
              Set.of(
                  "io.holdfast.flush.Libc",
                  "io.holdfast.flush.StubCode",
                  "io.holdfast.flush.WritebackStub"),
          Way.ANY_ADDRESS,
              Set.of(
                  "io.holdfast.flush.Memory",
                  "io.holdfast.flush.StubCode",
                  "io.holdfast.flush.WritebackStub"),
          Way.MAPPED_FILES, Set.of(),
          Way.UNSAFE, Set.of(),
          Way.WRITABLE_BYTES,
              Set.of(
                  "io.holdfast.crash.ForwardingMedium",
                  "io.holdfast.crash.TripMedium",
                  "io.holdfast.flush.DirectMedium",
                  "io.holdfast.flush.PersistentRegion",
                  "io.holdfast.heap.Block$BlockEdit",
                  "io.holdfast.heap.StoredMap",
                  "io.holdfast.heap.VolatileMemory",
                  "io.holdfast.tx.Transaction"));

  /** What each package may use beside itself; below io.holdfast. */
  private static final Map<String, Set<String>> ARROWS =
      Map.of(
          "flush", Set.of(),
          "crash", Set.of("flush"),
          "tx", Set.of("tx.spi", "flush"),
          "tx.spi", Set.of("tx", "flush"),
          "heap", Set.of("tx", "tx.spi", "flush"),
          "bytes", Set.of("heap", "tx", "flush"),
          "examples", Set.of("bytes", "heap", "tx", "flush", "crash"),
          "bench", Set.of("bytes", "heap", "tx", "flush", "crash", "examples.kv"),
          "tool", Set.of("examples", "examples.kv", "heap", "tx", "flush", "crash"));

  private static List<Compiled> all() throws IOException {
    List<Compiled> all = new ArrayList<>();
    for (String module : ClassFiles.modules()) {
      List<Compiled> classes = ClassFiles.of(module);
      assertFalse(classes.isEmpty(), module + " is not compiled");
      all.addAll(classes);
    }
    return all;
  }

  @Test
  void waysPastTheDoor_takenByTheClassesNamedHereAndNoOther() throws IOException {
    Map<Way, Set<String>> found = new TreeMap<>();
    for (Way way : Way.values()) {
      found.put(way, new TreeSet<>());
    }
    for (Compiled one : all()) {
      for (Way way : Way.values()) {
        if (way.isTaken(one)) {
          found.get(way).add(one.name());
        }
      }
    }
    Map<Way, Set<String>> allowed = new TreeMap<>();
    ALLOWED.forEach((way, names) -> allowed.put(way, new TreeSet<>(names)));
    assertEquals(allowed, found);
  }

  @Test
  void modules_useEachOtherInOneDirection() throws IOException {
    List<String> wrong = new ArrayList<>();
    for (Compiled one : all()) {
      wrong.addAll(wrongArrows(one));
    }
    assertEquals(List.of(), wrong);
  }

  private static List<String> wrongArrows(Compiled one) {
    String module = one.part().split("\\.", 2)[0];
    String part = ARROWS.containsKey(one.part()) ? one.part() : module;
    List<String> wrong = new ArrayList<>();
    for (String used : one.uses()) {
      boolean own = used.equals(part) || used.startsWith(part + ".") && !ARROWS.containsKey(used);
      if (!own && !ARROWS.getOrDefault(part, Set.of()).contains(used)) {
        wrong.add(one.name() + " uses " + used);
      }
    }
    return wrong;
  }

  // ---- the tests can fail

  @SuppressWarnings("restricted")
  static final class Intruders {
    private Intruders() {}

    static final class CallsNative {
      Object run() {
        return Linker.nativeLinker();
      }
    }

    static final class LooksUp {
      boolean run(SymbolLookup symbols) {
        return symbols == null;
      }
    }

    static final class TakesAddress {
      Object run(long address) {
        return MemorySegment.ofAddress(address);
      }
    }

    static final class TakesAddressByReference {
      Function<Long, MemorySegment> run() {
        return MemorySegment::ofAddress;
      }
    }

    static final class Widens {
      Object run(MemorySegment segment) {
        return segment.reinterpret(8);
      }
    }

    static final class Maps {
      Object run(FileChannel channel) throws IOException {
        return channel.map(FileChannel.MapMode.READ_WRITE, 0, 8, Arena.global());
      }
    }

    static final class FindsUnsafe {
      Object run() throws ClassNotFoundException {
        return Class.forName("sun.misc.Unsafe");
      }
    }

    static final class Writes {
      Object run(PersistentRegion region) {
        return region.writable(0, 8);
      }
    }

    static final class Innocent {
      Object run(PersistentRegion region) {
        return region.view(0, 8);
      }
    }
  }

  @Test
  void intruders_areFound() throws IOException {
    Map<Class<?>, Set<Way>> expected =
        Map.of(
            Intruders.CallsNative.class, Set.of(Way.NATIVE_FUNCTIONS),
            Intruders.LooksUp.class, Set.of(Way.NATIVE_FUNCTIONS),
            Intruders.TakesAddress.class, Set.of(Way.ANY_ADDRESS),
            Intruders.TakesAddressByReference.class, Set.of(Way.ANY_ADDRESS),
            Intruders.Widens.class, Set.of(Way.ANY_ADDRESS),
            Intruders.Maps.class, Set.of(Way.MAPPED_FILES),
            Intruders.FindsUnsafe.class, Set.of(Way.UNSAFE),
            Intruders.Writes.class, Set.of(Way.WRITABLE_BYTES),
            Intruders.Innocent.class, Set.of());
    for (Map.Entry<Class<?>, Set<Way>> intruder : expected.entrySet()) {
      Compiled one = ClassFiles.of(intruder.getKey());
      Set<Way> taken = new TreeSet<>();
      for (Way way : Way.values()) {
        if (way.isTaken(one)) {
          taken.add(way);
        }
      }
      assertEquals(new TreeSet<>(intruder.getValue()), taken, one.name());
    }
  }

  /** Uses what only the heap may. */
  static final class UsesSpi {
    boolean run(TransactionAccess access, Pool pool) {
      return access == null && pool == null;
    }
  }

  @Test
  void wrongArrow_isFound() throws IOException {
    Compiled one = ClassFiles.of(UsesSpi.class);
    assertEquals(List.of(one.name() + " uses tx.spi"), wrongArrows(one));
    Compiled inFlush = new Compiled("io.holdfast.flush.X", one.texts(), one.members());
    assertEquals(
        List.of(
            "io.holdfast.flush.X uses heap",
            "io.holdfast.flush.X uses tool",
            "io.holdfast.flush.X uses tx.spi"),
        wrongArrows(inFlush));
  }
}
