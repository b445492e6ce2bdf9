// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Transaction;
import java.util.Map;

/** Logs of records. */
final class LogType extends Type<PersistentLog> {
  static final LogType INSTANCE = new LogType();

  private LogType() {}

  @Override
  long create(Pool pool, Transaction tx) {
    return AppendLog.create(pool, tx);
  }

  @Override
  PersistentLog open(Pool pool, long offset) {
    return new StoredLog(pool, pool.log(offset));
  }

  @Override
  void free(Pool pool, Transaction tx, long offset) {
    pool.log(offset).free(tx);
  }

  @Override
  String reference() {
    return "log";
  }

  @Override
  void define(Map<String, String> definitions) {}
}
