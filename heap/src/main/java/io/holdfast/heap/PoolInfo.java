// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.Durability;
import io.holdfast.flush.Granularity;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * What there is to know of a pool.
 *
 * @param formatVersion of the format
 * @param identity random, of this pool
 * @param layout the application's name for it
 * @param created when
 * @param size of the pool, in bytes; its file may be longer after a crash
 * @param maxSize up to which it may grow, in bytes
 * @param durability what commits survive in this opening
 * @param granularity what is written back at a time
 * @param medium how stores become durable, in words
 * @param lanes how many transactions can be open at a time
 * @param ringBytes the size of each lane's ring
 * @param roots the roots, the newest first
 * @param usedBytes in blocks that are allocated
 * @param freeBytes in chunks that are free, and in free blocks of runs
 * @param largestFree the longest range that no run or block has; smaller blocks may fit into runs,
 *     and a pool that can grow gets more
 */
public record PoolInfo(
    int formatVersion,
    UUID identity,
    String layout,
    Instant created,
    long size,
    long maxSize,
    Durability durability,
    Granularity granularity,
    String medium,
    int lanes,
    int ringBytes,
    List<RootInfo> roots,
    long usedBytes,
    long freeBytes,
    long largestFree) {}
