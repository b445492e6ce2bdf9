// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.heap.Block;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import io.holdfast.tx.Editable;
import io.holdfast.tx.Savepoint;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Blocks of many sizes, allocated, written with and without a snapshot, replaced and freed. */
public final class BlocksCase extends PoolCase<Map<String, Long>> {
  private static final long[] SIZES = {40, 200, 1500, 9000};
  private static final int CHANGED_BYTES = 64;

  interface Holder extends Editable<Holder.Edit> {
    Type<Holder> TYPE = Type.of(Holder.class, MethodHandles.lookup());

    Block block();

    interface Edit extends Holder {
      Edit block(Block block);
    }
  }

  /**
   * A case.
   *
   * @param operations how many
   */
  public BlocksCase(int operations) {
    super(operations);
  }

  private static Holder holder(Pool pool) {
    return pool.root("holder", Holder.TYPE);
  }

  @Override
  void roots(Pool pool) {
    holder(pool);
  }

  @Override
  public void workload(Pool pool, Ops<Map<String, Long>> ops) {
    SplittableRandom random = ops.random();
    Holder holder = holder(pool);
    for (int i = 0; i < operations; i++) {
      long value = i + 1L;
      long size = SIZES[random.nextInt(SIZES.length)];
      int choice = holder.block() == null ? 0 : random.nextInt(5);
      switch (choice) {
        case 1 ->
            ops.op(
                "write",
                model -> model.put("first", value),
                () -> pool.run(tx -> tx.edit(holder.block()).setLong(0, value)));
        case 2 ->
            ops.op(
                "snapshot",
                model -> model.put("first", value),
                () ->
                    pool.run(tx -> {
                      long offset = holder.block().offset();
                      MemorySegment bytes = tx.snapshot(offset, CHANGED_BYTES / 2);
                      bytes.set(JAVA_LONG, 0, value);
                    }));
        case 3 ->
            ops.op(
                "free",
                Map::clear,
                () ->
                    pool.run(tx -> {
                      pool.free(tx, holder.block());
                      tx.edit(holder).block(null);
                    }));
        default ->
            ops.op(
                "replace by " + size,
                model -> {
                  model.put("size", size);
                  model.put("first", value);
                },
                () -> replace(pool, holder, size, value));
      }
    }
  }

  /** After something that is taken back. */
  private static void replace(Pool pool, Holder holder, long size, long value) {
    pool.run(tx -> {
      Savepoint before = tx.savepoint();
      tx.edit(holder).block(pool.allocate(tx, 100));
      tx.rollbackTo(before);
      Block made = pool.allocate(tx, size);
      MemorySegment bytes = tx.edit(made).fill();
      bytes.asSlice(0, Math.min(size, CHANGED_BYTES)).fill((byte) 0);
      bytes.set(JAVA_LONG, 0, value);
      if (holder.block() != null) {
        pool.free(tx, holder.block());
      }
      tx.edit(holder).block(made);
    });
  }

  @Override
  public Map<String, Long> model() {
    return new TreeMap<>();
  }

  @Override
  public Map<String, Long> observe(Pool pool) {
    Map<String, Long> found = new TreeMap<>();
    Block block = holder(pool).block();
    if (block != null) {
      found.put("first", block.view().get(JAVA_LONG, 0));
      for (long size : SIZES) {
        if (block.size() >= size) {
          found.put("size", size);
        }
      }
    }
    return found;
  }
}
