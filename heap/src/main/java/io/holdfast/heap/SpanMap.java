// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * By chunk: the first chunk of the used span that it is in, or -1; and the run of that span, once
 * it was needed. Written under the lock of the run's shelf, read by anyone.
 *
 * <p>Kept in parts, which are made when a span is first made in them and stay: so what this takes
 * goes by the chunks in use, and not by how many the pool may once have.
 */
final class SpanMap {
  private static final int NONE = -1;
  private static final int PART_CHUNKS = 1024;

  private final int capacity;
  private final AtomicReferenceArray<Part> parts;

  private static final class Part {
    private final int[] spanOf = new int[PART_CHUNKS];
    private final AtomicReferenceArray<Run> runs = new AtomicReferenceArray<>(PART_CHUNKS);

    Part() {
      Arrays.fill(spanOf, NONE);
    }
  }

  /** With room for so many chunks. */
  SpanMap(int capacity) {
    this.capacity = capacity;
    parts = new AtomicReferenceArray<>(Math.ceilDiv(capacity, PART_CHUNKS));
  }

  private Part part(int chunk) {
    return chunk < capacity ? parts.get(chunk / PART_CHUNKS) : null;
  }

  private Part madePart(int chunk) {
    Part part = part(chunk);
    if (part != null) {
      return part;
    }
    // Of two threads at once, one makes it for both.
    parts.compareAndSet(chunk / PART_CHUNKS, null, new Part());
    return part(chunk);
  }

  /** The first chunk of the used span that a chunk is in, or -1. */
  int spanOf(int chunk) {
    Part part = part(chunk);
    return part == null ? NONE : part.spanOf[chunk % PART_CHUNKS];
  }

  /** The run of the used span that a chunk is in, or null if it was not needed yet. */
  Run run(int chunk) {
    Part part = part(chunk);
    return part == null ? null : part.runs.get(chunk % PART_CHUNKS);
  }

  /** A span was made. */
  void cover(int chunk, int count) {
    fill(chunk, count, chunk);
  }

  void setRun(int chunk, int count, Run run) {
    for (int at = chunk; at < chunk + count; at++) {
      madePart(at).runs.set(at % PART_CHUNKS, run);
    }
  }

  /** A span is none any more. */
  void forget(int chunk, int count) {
    setRun(chunk, count, null);
    fill(chunk, count, NONE);
  }

  private void fill(int chunk, int count, int value) {
    for (int at = chunk; at < chunk + count; ) {
      int from = at % PART_CHUNKS;
      int to = Math.min(PART_CHUNKS, from + chunk + count - at);
      Arrays.fill(madePart(at).spanOf, from, to, value);
      at += to - from;
    }
  }
}
