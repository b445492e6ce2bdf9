// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Editable;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Objects;

/**
 * A block of bytes in a pool. Its contents are not defined until they are written. A handle is a
 * value: two handles to the same block are equal.
 *
 * <p>Nothing tells a handle to a block that was freed from one to the block that is there now; keep
 * blocks where their owner is, and free them with him.
 */
public final class Block implements Editable<Block.Edit> {
  private final Pool pool;
  private final long offset;
  private final long size;

  private Block(Pool pool, long offset, long size) {
    this.pool = pool;
    this.offset = offset;
    this.size = size;
  }

  /** How a transaction changes a block. Offsets are from the block's start. */
  public interface Edit {
    /**
     * Reads a word as the transaction sees it.
     *
     * @param at the word, a multiple of 8
     * @return its value
     */
    long getLong(long at);

    /**
     * Writes a word at commit; claims a unit around it now.
     *
     * @param at the word, a multiple of 8
     * @param value its value
     * @return this
     * @throws IndexOutOfBoundsException if it is not inside the block
     */
    Edit setLong(long at, long value);

    /**
     * Writes bytes at commit; claims the units around them now.
     *
     * @param at the first byte
     * @param from what to write
     * @return this
     * @throws IndexOutOfBoundsException if they are not inside the block
     */
    Edit set(long at, MemorySegment from);

    /**
     * The memory of a block that this transaction has allocated, to be filled in place without a
     * log.
     *
     * @return the whole block; of use until the transaction ends
     * @throws IllegalStateException if the transaction did not allocate the block, or a savepoint
     *     was taken since
     */
    MemorySegment fill();
  }

  /** The block at an offset, which is refused if there is none. */
  static Block at(Pool pool, long offset) {
    Allocator.Place place = pool.allocator().find(offset);
    if (place == null || place.offset() != offset || place.run().isTyped()) {
      throw new PoolException.ObjectFreed(offset);
    }
    return new Block(pool, offset, place.run().blockBytes());
  }

  /**
   * Where the block is in its pool.
   *
   * @return bytes from the pool's start, a multiple of 16
   */
  public long offset() {
    return offset;
  }

  /**
   * How large the block is: what was asked for or more, from 128 bytes on by an eighth at most.
   *
   * @return bytes, a multiple of 16
   */
  public long size() {
    return size;
  }

  /**
   * The contents as they were committed, for reading.
   *
   * @return a read-only segment that ends with the pool
   */
  public MemorySegment view() {
    return pool.region().view(offset, size);
  }

  long offsetIn(Pool owner) {
    if (pool != owner) {
      throw new IllegalArgumentException("the block is in another pool: " + this);
    }
    return offset;
  }

  Edit edit(Pool owner, Transaction tx) {
    offsetIn(owner);
    return new BlockEdit(tx);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Block that && pool == that.pool && offset == that.offset;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(offset);
  }

  @Override
  public String toString() {
    return "Block[offset=" + offset + ", size=" + size + "]";
  }

  private final class BlockEdit implements Edit {
    private final TransactionAccess access = TransactionAccess.get();
    private final Transaction tx;

    BlockEdit(Transaction tx) {
      this.tx = tx;
    }

    private long inside(long at, long bytes) {
      return offset + Objects.checkFromIndexSize(at, bytes, size);
    }

    private long word(long at) {
      if ((at & 7) != 0) {
        throw new IllegalArgumentException("a word is a multiple of 8: at=" + at);
      }
      return inside(at, 8);
    }

    @Override
    public long getLong(long at) {
      return access.read(tx, word(at));
    }

    @Override
    public Edit setLong(long at, long value) {
      long word = word(at);
      pool.participant(tx).claimRange(word, 8);
      access.write(tx, word, value);
      return this;
    }

    @Override
    public Edit set(long at, MemorySegment from) {
      long start = inside(at, from.byteSize());
      pool.participant(tx).claimRange(start, from.byteSize());
      access.write(tx, start, from);
      return this;
    }

    @Override
    public MemorySegment fill() {
      HeapParticipant participant = pool.participant(tx);
      if (!participant.isFresh(offset)) {
        throw new IllegalStateException(
            "only a block that this transaction has allocated since its last savepoint is filled in"
                + " place: "
                + Block.this);
      }
      participant.filled(offset, size);
      return pool.region().writable(offset, size);
    }
  }

  /** The type of blocks. */
  static final class BlockType extends Type<Block> {
    private final long bytes;

    BlockType(long bytes) {
      if (bytes < 1) {
        throw new IllegalArgumentException("a block has at least one byte: bytes=" + bytes);
      }
      this.bytes = bytes;
    }

    /** A root's block begins as zeros, since nobody else fills it. */
    @Override
    long create(Pool pool, Transaction tx) {
      long offset = pool.participant(tx).reserve(bytes, Span.Kind.RAW);
      pool.region().zero(offset, bytes);
      pool.participant(tx).filled(offset, bytes);
      return offset;
    }

    @Override
    Block open(Pool pool, long offset) {
      Block block = at(pool, offset);
      if (block.size < bytes) {
        throw new PoolException.TypeChanged(
            "a block", "block of " + block.size + " bytes", "block of " + bytes + " bytes");
      }
      return block;
    }

    @Override
    void free(Pool pool, Transaction tx, long offset) {
      pool.participant(tx).free(offset, Span.Kind.RAW);
    }

    @Override
    String reference() {
      return "block";
    }

    @Override
    void define(Map<String, String> definitions) {}
  }
}
