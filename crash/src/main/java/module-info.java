// SPDX-License-Identifier: Apache-2.0

/**
 * Proves crash consistency: watched media, crash images, kill loops. Knows regions and media only.
 */
module io.holdfast.crash {
  requires transitive io.holdfast.flush;
  requires org.slf4j;
  requires static transitive org.junit.jupiter.api;

  exports io.holdfast.crash;
}
