// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import com.intel.pmem.llpl.Heap;
import com.intel.pmem.llpl.MemoryBlock;
import com.intel.pmem.llpl.Transaction;
import io.holdfast.flush.Lines;
import java.util.Map;

/**
 * LLPL doing the transactions that Holdfast does beside it, in a JVM of its own: it brings native
 * code along, which needs libpmemobj and libpmempool.
 *
 * <p>Its best form for this: a heap whose blocks are changed by plain stores, after the words have
 * been added to the transaction.
 */
final class LlplWorker {
  private static final int BLOCK_BYTES = 64;

  private final Heap heap;
  private final MemoryBlock area;
  private final Walk walk = new Walk();
  private final Random random = new Random(1);
  private MemoryBlock[] live = {};

  private LlplWorker(Heap heap) {
    this.heap = heap;
    this.area = heap.allocateMemoryBlock(Walk.BYTES + Lines.LINE_BYTES);
  }

  /** Begun by {@link TransactionBenchmark}: FILE BYTES. */
  public static void main(String[] args) throws Exception {
    LlplWorker worker;
    try {
      worker = new LlplWorker(Heap.createHeap(args[0], Long.parseLong(args[1])));
    } catch (LinkageError | RuntimeException e) {
      Turns.missing(e);
      return;
    }
    Turns.take("", Map.of("tx", worker::write, "alloc", worker::replace));
  }

  private long write(int words, long operations) {
    long begin = System.nanoTime();
    for (long i = 0; i < operations; i++) {
      long value = i;
      Transaction.create(heap, () -> store(words, value));
      walk.next();
    }
    return System.nanoTime() - begin;
  }

  private void store(int words, long value) {
    for (int i = 0; i < words; i++) {
      long offset = walk.offset(i);
      area.addToTransaction(offset, Long.BYTES);
      area.setLong(offset, value);
    }
  }

  private long replace(int blocks, long operations) {
    if (live.length != blocks) {
      live = new MemoryBlock[blocks];
      for (int i = 0; i < blocks; i++) {
        live[i] = heap.allocateMemoryBlock(BLOCK_BYTES);
        live[i].setMemory((byte) 1, 0, BLOCK_BYTES);
      }
    }
    long begin = System.nanoTime();
    for (long i = 0; i < operations; i++) {
      int which = random.below(blocks);
      byte value = (byte) i;
      live[which] = Transaction.create(heap, () -> replace(live[which], value));
    }
    return System.nanoTime() - begin;
  }

  private MemoryBlock replace(MemoryBlock old, byte value) {
    old.freeMemory();
    MemoryBlock block = heap.allocateMemoryBlock(BLOCK_BYTES);
    block.setMemory(value, 0, BLOCK_BYTES);
    return block;
  }
}
