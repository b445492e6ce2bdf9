// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

/** A map from keys of 16 bytes to values of 100, under somebody's best handling. */
interface Store extends AutoCloseable {
  /** How it is set, and what it survives, in a line. */
  String description();

  /** Puts an entry in before anything counts: without what makes each one safe, if that can be. */
  void load(int key, byte[] value) throws Exception;

  /** All is loaded. */
  default void loaded() throws Exception {}

  /** The map for one thread at a time. */
  Session session() throws Exception;

  @Override
  void close();

  /** What a thread uses. Keys are numbers from 0. */
  interface Session {
    /** When this returns, the entry survives what the store can survive. */
    void put(int key, byte[] value) throws Exception;

    /**
     * The value of a key, in an array that is the caller's: a new one, or the given one.
     *
     * @param own as long as the value
     */
    byte[] get(int key, byte[] own) throws Exception;
  }
}
