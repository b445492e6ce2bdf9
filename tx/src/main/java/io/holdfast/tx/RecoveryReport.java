// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Durability;
import java.time.Duration;

/**
 * What an open found, and what it did about it.
 *
 * @param clean whether the last opener closed in order, so that there was nothing to recover
 * @param lastDurability what that opener's commits survived
 * @param rolledForward committed transactions that were carried out again, whether that was needed
 *     or not; they cannot be told apart
 * @param rolledBack transactions that were under way, and whose stores in place were undone
 * @param read the time it took to read and judge the log
 * @param written the time it took to carry it out and make that durable
 * @param headerMended whether one of the two copies of the log's header was found damaged; it is
 *     rewritten when the lanes are closed
 */
public record RecoveryReport(
    boolean clean,
    Durability lastDurability,
    int rolledForward,
    int rolledBack,
    Duration read,
    Duration written,
    boolean headerMended) {}
