// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Durability;
import io.holdfast.tx.spi.KeyedHash;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a log is open, with which durability, and since which start of the kernel: one word, so
 * that it cannot tear. It says OPEN, durably, before the first store of an opening, and CLEAN after
 * all that was stored has been synchronised.
 *
 * @param state open or cleanly closed
 * @param durability what was in force
 * @param boot a hash of the kernel's boot identifier; 0 where there is none
 */
record OpeningMark(State state, Durability durability, int boot) {
  private static final Logger LOG = LoggerFactory.getLogger(OpeningMark.class);
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
  private static final long DOMAIN = 0x6D61726B;

  enum State {
    OPEN(1),
    CLEAN(2);

    final int code;

    State(int code) {
      this.code = code;
    }
  }

  static OpeningMark now(State state, Durability durability) {
    return new OpeningMark(state, durability, thisBoot());
  }

  /** The mark as a word. */
  long encode(KeyedHash checksum) {
    long body =
        (long) durabilityCode(durability) << 40 | (long) state.code << 32 | (boot & 0xFFFFFFFFL);
    return check(checksum, body) << 48 | body;
  }

  /** The mark that a word is, or null if it is none. */
  static OpeningMark decode(KeyedHash checksum, long word) {
    long body = word & 0xFFFF_FFFFFFFFL;
    if (check(checksum, body) != word >>> 48) {
      return null;
    }
    for (State state : State.values()) {
      for (Durability durability : Durability.values()) {
        OpeningMark mark = new OpeningMark(state, durability, (int) body);
        if (mark.encode(checksum) == word) {
          return mark;
        }
      }
    }
    return null;
  }

  private static int durabilityCode(Durability durability) {
    return durability == Durability.PROCESS ? 1 : 2;
  }

  private static long check(KeyedHash checksum, long body) {
    return checksum.ofWord(DOMAIN, body) >>> 48;
  }

  /**
   * Whether power was lost under contents that were safe from process death only: their pages may
   * be of any age.
   */
  boolean lostPower() {
    return state == State.OPEN && durability == Durability.PROCESS && boot != thisBoot();
  }

  private static int thisBoot() {
    try {
      String id = Files.readString(BOOT_ID, StandardCharsets.US_ASCII).strip();
      return (int) new KeyedHash(DOMAIN).ofWord(id.hashCode(), id.substring(9).hashCode());
    } catch (IOException | RuntimeException e) {
      LOG.debug("no boot identifier: {}", e.toString());
      return 0;
    }
  }
}
