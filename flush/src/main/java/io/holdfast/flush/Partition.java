// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.time.Instant;
import java.util.UUID;

/**
 * A named part of a divided file or device, as it was when it was listed.
 *
 * @param name its name, 1 to 64 of the characters {@code A-Z a-z 0-9 . _ -}
 * @param identity what tells it from another one of the same name, before or after it
 * @param created when it was made
 * @param bytes its size
 * @param extents of how many pieces it consists; it looks like one
 */
public record Partition(String name, UUID identity, Instant created, long bytes, int extents) {}
