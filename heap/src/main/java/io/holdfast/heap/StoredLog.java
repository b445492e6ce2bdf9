// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Transaction;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A log over its segments. */
final class StoredLog implements PersistentLog {
  private final Pool pool;
  private final AppendLog log;

  StoredLog(Pool pool, AppendLog log) {
    this.pool = pool;
    this.log = log;
  }

  @Override
  public long appendAll(List<MemorySegment> records) {
    return log.queue().append(List.copyOf(records));
  }

  @Override
  public long walk(long from, Visitor visitor) {
    return log.walk(from, visitor);
  }

  @Override
  public long first() {
    return log.first();
  }

  @Override
  public long end() {
    return log.end();
  }

  @Override
  public void truncate(long before) {
    pool.run(tx -> log.truncate(tx, before));
  }

  @Override
  public void clear() {
    pool.run(log::clear);
  }

  Edit edit(Pool owner, Transaction tx) {
    if (owner != pool) {
      throw new IllegalArgumentException("the log is in another pool");
    }
    return new LogEdit(tx);
  }

  @Override
  public String toString() {
    return "PersistentLog[first=" + first() + ", end=" + end() + "]";
  }

  private final class LogEdit implements Edit {
    private final Transaction tx;

    LogEdit(Transaction tx) {
      this.tx = tx;
    }

    @Override
    public long append(MemorySegment record) {
      return log.append(tx, List.of(record));
    }

    @Override
    public long walk(long from, Visitor visitor) {
      return log.walk(tx, from, visitor);
    }

    @Override
    public void truncate(long before) {
      log.truncate(tx, before);
    }

    @Override
    public void clear() {
      log.clear(tx);
    }
  }
}
