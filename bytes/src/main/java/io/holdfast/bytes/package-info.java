// SPDX-License-Identifier: Apache-2.0

/**
 * Pools for those who work with Chronicle Bytes: {@link io.holdfast.bytes.PoolBytes} shows the
 * memory of blocks as {@code Bytes}, {@link io.holdfast.bytes.ChronicleCodec} keeps {@code
 * BytesMarshallable} values in maps.
 */
package io.holdfast.bytes;
