// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

/**
 * A root of a pool.
 *
 * @param name its name
 * @param type its type, as the pool has recorded it
 * @param offset where it is
 */
public record RootInfo(String name, String type, long offset) {}
