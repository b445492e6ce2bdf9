// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.holdfast.crash.ForwardingMedium;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Errors while a commit that is durable becomes visible: nobody waits, and nothing is lost. */
@Timeout(60)
class FailureTest {
  private static final int SIZE = 1 << 20;
  private static final Type<PersistentLog> LOG = Type.log();
  private static final Type<PersistentBlocks> SECTORS = Type.blocks(512, 4);

  private final Breaking medium = new Breaking(Medium.inMemory(SIZE));

  /** Once it is armed, the first store after a fence is an error. */
  private static final class Breaking extends ForwardingMedium {
    private boolean armed;
    private boolean fenced;

    Breaking(Medium whole) {
      super(whole);
    }

    PersistentRegion again() {
      return PersistentRegion.over(inner());
    }

    @Override
    public String describe() {
      return "breaking";
    }

    @Override
    public void persist(Lines lines) {
      super.persist(lines);
      fenced = armed;
    }

    @Override
    public void store(long offset, int bytes, long value) {
      if (fenced) {
        throw new OutOfMemoryError("test");
      }
      super.store(offset, bytes, value);
    }
  }

  @Test
  void append_breaksOffWhenItIsDurable_readersAreToldAndItIsThereAfterwards() {
    Pool pool = Pool.create(PersistentRegion.over(medium), "test");
    PersistentLog log = pool.root("log", LOG);
    log.append(new byte[] {1});
    medium.armed = true;
    MemorySegment record = MemorySegment.ofArray(new byte[] {2, 3});
    assertThrows(OutOfMemoryError.class, () -> pool.run(tx -> tx.edit(log).append(record)));
    assertThrows(
        HoldfastException.MediumFailed.class, () -> log.walk(0, (position, found) -> true));
    List<byte[]> records = new ArrayList<>();
    Pool again = Pool.open(medium.again(), "test");
    again.root("log", LOG).walk(0, (position, found) -> records.add(found.toArray(JAVA_BYTE)));
    assertEquals(2, records.size());
    assertArrayEquals(new byte[] {2, 3}, records.get(1));
  }

  @Test
  void writeOfABlock_breaksOffWhenItIsDurable_readersAreToldAndItIsThereAfterwards() {
    Pool pool = Pool.create(PersistentRegion.over(medium), "test");
    PersistentBlocks blocks = pool.root("blocks", SECTORS);
    byte[] content = new byte[512];
    content[7] = 1;
    medium.armed = true;
    assertThrows(
        OutOfMemoryError.class,
        () -> pool.run(tx -> tx.edit(blocks).write(1, MemorySegment.ofArray(content))));
    byte[] found = new byte[512];
    assertThrows(
        HoldfastException.MediumFailed.class, () -> blocks.read(1, MemorySegment.ofArray(found)));
    Pool again = Pool.open(medium.again(), "test");
    again.root("blocks", SECTORS).read(1, MemorySegment.ofArray(found));
    assertArrayEquals(content, found);
  }
}
