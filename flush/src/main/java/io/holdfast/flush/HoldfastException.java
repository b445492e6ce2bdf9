// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * What Holdfast throws when something outside the program's arguments is in the way: files,
 * devices, what is in them, and other transactions. Each message names the values concerned and
 * what can be done; none of them loses anything, and some tell of what was lost or damaged before.
 */
public class HoldfastException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message what happened, the values as {@code name=value}, and the remedy
   */
  public HoldfastException(String message) {
    super(message);
  }

  /**
   * Makes an exception with its cause.
   *
   * @param message what happened, the values as {@code name=value}, and the remedy
   * @param cause what led to it
   */
  public HoldfastException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * The file is owned by another opener: in this process, in another one, or through another name.
   */
  public static final class RegionInUse extends HoldfastException {
    private static final long serialVersionUID = 1L;

    RegionInUse(String message) {
      super(message);
    }
  }

  /** The file system, or the memory of the machine, has no room for what was asked. */
  public static final class NoSpace extends HoldfastException {
    private static final long serialVersionUID = 1L;

    NoSpace(String message) {
      super(message);
    }
  }

  /** The durability asked for cannot be given here; the message says why and what can be had. */
  public static final class DurabilityUnavailable extends HoldfastException {
    private static final long serialVersionUID = 1L;

    DurabilityUnavailable(String message) {
      super(message);
    }
  }

  /**
   * The medium failed: a memory fault, or a synchronisation that the kernel refused. The region is
   * poisoned and refuses every access; what was committed before is recovered at the next open.
   */
  public static final class MediumFailed extends HoldfastException {
    private static final long serialVersionUID = 1L;

    MediumFailed(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** The region was closed. */
  public static final class RegionClosed extends HoldfastException {
    private static final long serialVersionUID = 1L;

    RegionClosed(String message) {
      super(message);
    }
  }

  /** A store to a region that was opened for reading only, and sealed. */
  public static final class ReadOnly extends HoldfastException {
    private static final long serialVersionUID = 1L;

    ReadOnly(String message) {
      super(message);
    }
  }

  /** The path cannot be used: missing, present, not a regular file, too small, not permitted. */
  public static final class FileUnusable extends HoldfastException {
    private static final long serialVersionUID = 1L;

    FileUnusable(String message) {
      super(message);
    }
  }

  /**
   * What was read from the medium cannot be what was written there: damage, or not this format at
   * all. The medium was left as it was.
   */
  public static final class Corrupt extends HoldfastException {
    private static final long serialVersionUID = 1L;
    private final long offset;
    private final String field;

    /**
     * Makes the exception.
     *
     * @param offset where in the region, in bytes
     * @param field what should be there
     * @param expected what it should be
     * @param actual what it is
     */
    public Corrupt(long offset, String field, String expected, String actual) {
      super(
          "damaged: offset=%d, field=%s, expected=%s, actual=%s: restore a copy of the file"
              .formatted(offset, field, expected, actual));
      this.offset = offset;
      this.field = field;
    }

    /**
     * Where.
     *
     * @return the offset in the region
     */
    public long offset() {
      return offset;
    }

    /**
     * What.
     *
     * @return the name of the field, as in the format document
     */
    public String field() {
      return field;
    }
  }

  /**
   * The format is of a version that this library does not know, or has something that it does not
   * know. The medium was left as it was.
   */
  public static final class UnsupportedVersion extends HoldfastException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the exception.
     *
     * @param what what has the version
     * @param actual the version found
     * @param known the version known
     */
    public UnsupportedVersion(String what, int actual, int known) {
      super(
          "%s has format version %d, and this library reads version %d: use the %s library"
              .formatted(what, actual, known, actual > known ? "newer" : "older"));
    }

    /**
     * Makes the exception for what has no version number.
     *
     * @param message what is not known, the values as {@code name=value}, and the remedy
     */
    public UnsupportedVersion(String message) {
      super(message);
    }
  }

  /**
   * Power was lost while the contents were only safe from process death, so that their pages may be
   * of different ages; or the memory itself counts a shutdown at which it could not save what had
   * been written back. The medium was left as it was.
   */
  public static final class PowerLost extends HoldfastException {
    private static final long serialVersionUID = 1L;
    private static final String ACCEPT = "accept the loss (acceptPowerLoss) and check the contents";

    /**
     * Makes the exception for memory that was not saved when power failed.
     *
     * @param before its unsafe shutdowns when this was opened last
     * @param now its unsafe shutdowns
     */
    public PowerLost(int before, int now) {
      super(
          "the memory was not saved when power failed (unsafe shutdowns: "
              + now
              + ", and "
              + before
              + " when this was opened) while this was open: what had been written back may be"
              + " missing; restore a copy, or "
              + ACCEPT);
    }

    /** Makes the exception for what was open with durability PROCESS. */
    public PowerLost() {
      super(
          "the machine was restarted while this was open with durability PROCESS: what the kernel had"
              + " not written by itself is lost, and what is left may not fit together; restore a"
              + " copy, or "
              + ACCEPT);
    }
  }
}
