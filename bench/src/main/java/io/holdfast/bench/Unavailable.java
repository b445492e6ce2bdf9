// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

/** There is no such contestant on this machine. The message says why. */
final class Unavailable extends Exception {
  private static final long serialVersionUID = 1;

  Unavailable(String message) {
    super(message);
  }
}
