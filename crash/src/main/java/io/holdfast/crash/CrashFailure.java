// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

/** A crash that is not recovered from. */
public final class CrashFailure extends AssertionError {
  private static final long serialVersionUID = 1;

  /** With which {@link Explorer#replay} tries this crash again. */
  private final String token;

  private final String what;

  CrashFailure(String what, String token, Throwable cause) {
    this(what, "", token, cause);
  }

  private CrashFailure(String what, String stores, String token, Throwable cause) {
    super(what + stores + "\n  replay " + token, cause);
    this.what = what;
    this.token = token;
  }

  /** The same failure, with the stores that were missing. */
  CrashFailure explained(String stores) {
    CrashFailure explained = new CrashFailure(what, stores, token, getCause());
    explained.setStackTrace(getStackTrace());
    return explained;
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
