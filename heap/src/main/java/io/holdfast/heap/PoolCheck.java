// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.PersistentRegion;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The walk through a whole pool: every block that is allocated, and from the roots every block that
 * is reached; the two must be the same.
 */
final class PoolCheck {
  private static final int MOST_PROBLEMS = 1000;

  private final Pool pool;
  private final PersistentRegion region;
  private final PoolLayout layout;
  private final Map<Long, Allocated> blocks = new HashMap<>();
  private final List<String> problems = new ArrayList<>();
  private final ArrayDeque<Visit> pending = new ArrayDeque<>();
  private long bytes;
  private long reached;

  /** A block that is allocated, and who was found to refer to it first. */
  private static final class Allocated {
    private final long bytes;
    private final boolean typed;
    private String owner;

    Allocated(long bytes, boolean typed) {
      this.bytes = bytes;
      this.typed = typed;
    }
  }

  /** An object that was reached, and whose fields are to be gone through. */
  private record Visit(TypeText text, String reference, long offset, String path) {}

  PoolCheck(Pool pool) {
    this.pool = pool;
    this.region = pool.region();
    this.layout = pool.layout();
  }

  CheckReport run() {
    step("the chunk table", this::readBlocks);
    step("the roots", this::readRoots);
    while (!pending.isEmpty()) {
      Visit object = pending.poll();
      step(object.path, () -> fields(object));
    }
    List<Long> leaked = new ArrayList<>();
    blocks.forEach((offset, block) -> {
      if (block.owner == null) {
        leaked.add(offset);
      }
    });
    leaked.sort(null);
    return new CheckReport(
        blocks.size(), bytes, reached, List.copyOf(leaked), List.copyOf(problems));
  }

  /** What cannot be gone through is a problem, and does not keep from going on with the rest. */
  private void step(String path, Runnable work) {
    try {
      work.run();
    } catch (HoldfastException.RegionClosed | HoldfastException.MediumFailed e) {
      throw e;
    } catch (HoldfastException | IllegalArgumentException | IndexOutOfBoundsException e) {
      problem(path + ": " + e.getMessage());
    }
  }

  private void problem(String text) {
    if (problems.size() < MOST_PROBLEMS) {
      problems.add(text);
    }
  }

  // ---- what is allocated

  private void readBlocks() {
    for (int chunk = 0; chunk < layout.chunkCount(); ) {
      Span span = Span.decode(chunk, region.getLong(layout.entry(chunk)));
      if (span == null || span.chunks() > layout.chunkCount() - chunk) {
        problem("offset=%d: no span in the chunk table".formatted(layout.entry(chunk)));
        return;
      }
      if (span.kind() != Span.Kind.FREE) {
        readRun(chunk, span);
      }
      chunk += span.chunks();
    }
  }

  private void readRun(int chunk, Span span) {
    Run run = Run.load(region, layout, chunk, span);
    for (int index = 0; index < run.count(); index++) {
      if (run.isTaken(index)) {
        blocks.put(run.block(index), new Allocated(run.blockBytes(), run.isTyped()));
        bytes += run.blockBytes();
      }
    }
    for (int index = run.count(); index % 64 != 0; index++) {
      if (run.isCommitted(region, index)) {
        problem("offset=%d: a bit that no block has: %d".formatted(run.bitmapWord(index), index));
      }
    }
  }

  // ---- what is reached

  private void readRoots() {
    for (Roots.Found root : pool.rootList().listSound(damage -> problem(damage.getMessage()))) {
      String path = "root \"" + root.info().name() + "\"";
      step(path, () -> readRoot(root, path));
    }
  }

  private void readRoot(Roots.Found root, String path) {
    own(root.record(), false, 0, path + ", its record");
    TypeText text = new TypeText(root.info().type());
    long offset = root.info().offset();
    if (text.isMap()) {
      map(text, offset, path);
    } else if (text.isBlocks()) {
      blocks(text, offset, path);
    } else if (text.isLog()) {
      log(offset, path);
    } else {
      refer(text, text.reference(), offset, path);
    }
  }

  /** Notes that a block has one owner; false if it cannot. */
  private boolean own(long offset, boolean typed, long least, String path) {
    Allocated block = blocks.get(offset);
    if (block == null || block.typed != typed || block.bytes < least) {
      problem("%s: offset=%d is no such allocated block".formatted(path, offset));
      return false;
    }
    if (block.owner != null) {
      problem("%s: offset=%d belongs to %s as well".formatted(path, offset, block.owner));
      return false;
    }
    block.owner = path;
    reached++;
    return true;
  }

  /** Follows a reference to an object or block, which several may have. */
  private void refer(TypeText text, String reference, long offset, String path) {
    if (offset == 0) {
      return;
    }
    boolean typed = TypeText.isObject(reference);
    Allocated block = blocks.get(offset);
    if (block != null && block.owner != null && block.typed == typed) {
      return;
    }
    if (own(offset, typed, 0, path) && typed) {
      pending.add(new Visit(text, reference, offset, path));
    }
  }

  private void fields(Visit object) {
    if (region.getLong(object.offset) >>> 32 == 0) {
      problem("%s: offset=%d was freed".formatted(object.path, object.offset));
      return;
    }
    for (TypeText.Field field : object.text.fields(object.reference)) {
      boolean leads =
          field.type().equals("string")
              || field.type().equals("block")
              || TypeText.isObject(field.type());
      long target = leads ? region.getLong(object.offset + field.offset()) : 0;
      if (target == 0) {
        continue;
      }
      String path =
          object.path.length() < 200 ? object.path + "." + field.name() : "... ." + field.name();
      if (!field.type().equals("string")) {
        refer(object.text, field.type(), target, path);
      } else if (own(target, false, 0, path) && Texts.tryRead(pool, target) == null) {
        problem("%s: offset=%d is no sound text".formatted(path, target));
      }
    }
  }

  private void map(TypeText text, long offset, String path) {
    if (!own(offset, false, IndexLayout.INDEX_BYTES, path)) {
      return;
    }
    new IndexCheck(pool, pool.index(offset), new MapOwner(text, path)).run();
  }

  private void blocks(TypeText text, long offset, String path) {
    if (own(offset, false, BlockArrayLayout.ARRAY_BYTES, path)) {
      BlockArray array = pool.blockArray(offset, text.blockBytes(), text.blockCount());
      new BlockArrayCheck(pool, array, new Owner(path)).run();
    }
  }

  private void log(long offset, String path) {
    if (own(offset, false, AppendLogLayout.LOG_BYTES, path)) {
      new LogCheck(pool, offset, new Owner(path)).run();
    }
  }

  /** What is told of belongs to a root. */
  private class Owner implements CheckOwner {
    private final String path;

    Owner(String path) {
      this.path = path;
    }

    @Override
    public boolean block(long block, long least, String what) {
      return own(block, false, least, path + ", " + what);
    }

    @Override
    public void problem(String what) {
      PoolCheck.this.problem(path + ": " + what);
    }
  }

  private final class MapOwner extends Owner implements IndexCheck.Owner {
    private final TypeText text;
    private final String values;
    private final String path;

    MapOwner(TypeText text, String path) {
      super(path);
      this.text = text;
      this.values = text.mapValues();
      this.path = path;
    }

    @Override
    public void value(long at, int valueBytes) {
      if (TypeText.isObject(values)) {
        if (valueBytes == Long.BYTES) {
          refer(text, values, region.getLong(at), path + ", a value");
        } else {
          problem("offset=%d is no reference".formatted(at));
        }
      }
    }
  }
}
