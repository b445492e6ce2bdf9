// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

/** What a method of a crash test is given, and has to use. */
abstract sealed class Check permits CrashCheck, KillCheck {
  /** Whether the method has used it. */
  abstract boolean hasRun();
}
