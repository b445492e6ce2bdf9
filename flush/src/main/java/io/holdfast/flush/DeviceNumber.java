// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * A device as the kernel numbers it.
 *
 * @param major which driver
 * @param minor which of its devices
 */
record DeviceNumber(int major, int minor) {
  /** From the C library's {@code dev_t} (makedev(3)). */
  static DeviceNumber of(long device) {
    int major = (int) (device >>> 32 & ~0xFFFL | device >>> 8 & 0xFFF);
    int minor = (int) (device >>> 12 & ~0xFFL | device & 0xFF);
    return new DeviceNumber(major, minor);
  }

  /** As in {@code /sys/dev}. */
  @Override
  public String toString() {
    return major + ":" + minor;
  }
}
