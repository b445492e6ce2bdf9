// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import io.holdfast.flush.HoldfastException;

/**
 * A value did not write or read itself as it should have. What is committed is as it was; the
 * transaction that the value was written in is aborted, unless its program catches this.
 */
public final class MarshallingException extends HoldfastException {
  private static final long serialVersionUID = 1L;

  MarshallingException(String message) {
    super(message);
  }

  MarshallingException(String message, Throwable cause) {
    super(message, cause);
  }
}
