// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

/** A crash that is not recovered from. */
public final class CrashFailure extends AssertionError {
  private static final long serialVersionUID = 1;

  /** With which {@link Explorer#replay} tries this crash again. */
  private final String token;

  CrashFailure(String message, String token, Throwable cause) {
    super(message + "; replay " + token, cause);
    this.token = token;
  }

  /**
   * What pins this crash as a test.
   *
   * @return a word for {@link Explorer#replay}
   */
  public String token() {
    return token;
  }
}
