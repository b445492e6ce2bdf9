// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Durability;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a log is open, with which durability, and since which start of the kernel: one word, so
 * that it cannot tear. It says OPEN, durably, before the first store of an opening, and CLEAN after
 * all that was stored has been synchronised.
 *
 * @param state open or cleanly closed
 * @param durability what was in force
 * @param shutdowns how often the memory had not been saved when power failed, where it counts that
 *     and durability is POWER
 * @param boot a hash of the kernel's boot identifier, 0 where there is none, or where shutdowns are
 *     counted
 */
record OpeningMark(State state, Durability durability, OptionalInt shutdowns, int boot) {
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

  static OpeningMark now(State state, PersistentRegion region) {
    OptionalInt shutdowns =
        region.durability() == Durability.POWER ? region.unsafeShutdowns() : OptionalInt.empty();
    int boot = shutdowns.isPresent() ? 0 : thisBoot();
    return new OpeningMark(state, region.durability(), shutdowns, boot);
  }

  /** The mark as a word. */
  long encode(KeyedHash checksum) {
    long body =
        (long) durabilityCode() << 40
            | (long) state.code << 32
            | (shutdowns.orElse(boot) & 0xFFFFFFFFL);
    return check(checksum, body) << 48 | body;
  }

  /** The mark that a word is, or null if it is none. */
  static OpeningMark decode(KeyedHash checksum, long word) {
    long body = word & 0xFFFF_FFFFFFFFL;
    if (check(checksum, body) != word >>> 48) {
      return null;
    }
    for (State state : State.values()) {
      OptionalInt none = OptionalInt.empty();
      for (OpeningMark mark :
          List.of(
              new OpeningMark(state, Durability.PROCESS, none, (int) body),
              new OpeningMark(state, Durability.POWER, none, (int) body),
              new OpeningMark(state, Durability.POWER, OptionalInt.of((int) body), 0))) {
        if (mark.encode(checksum) == word) {
          return mark;
        }
      }
    }
    return null;
  }

  private int durabilityCode() {
    return durability == Durability.PROCESS ? 1 : shutdowns.isEmpty() ? 2 : 3;
  }

  private static long check(KeyedHash checksum, long body) {
    return checksum.ofWord(DOMAIN, body) >>> 48;
  }

  /**
   * Throws if power was lost under contents that were safe from process death only, whose pages may
   * be of any age; or if the memory was not saved since they were open, as far as it tells.
   *
   * @param now what the memory counts now
   */
  void refuseIfPowerLost(OptionalInt now) {
    if (state != State.OPEN) {
      return;
    }
    if (durability == Durability.PROCESS && boot != thisBoot()) {
      throw new HoldfastException.PowerLost();
    }
    if (shutdowns.isPresent() && now.isPresent() && !shutdowns.equals(now)) {
      throw new HoldfastException.PowerLost(shutdowns.getAsInt(), now.getAsInt());
    }
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
