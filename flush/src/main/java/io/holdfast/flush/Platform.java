// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * What files are mapped by.
 *
 * @param os the operating system
 * @param pageBytes its page: a file is mapped, grows and is divided in multiples of it
 */
record Platform(String os, long pageBytes) {
  private static final String LINUX = "Linux";
  private static final long AT_PAGESZ = 6;

  /** The one that this runs on. */
  static Platform current() {
    String os = System.getProperty("os.name");
    return new Platform(os, os.equals(LINUX) ? kernelPage() : PersistentRegion.PAGE_BYTES);
  }

  private static long kernelPage() {
    try {
      return Libc.getauxval(AT_PAGESZ);
    } catch (Libc.Errno e) {
      return PersistentRegion.PAGE_BYTES;
    }
  }

  /** Throws unless files can be mapped. */
  void require() {
    if (!os.equals(LINUX)) {
      throw new HoldfastException.FileUnusable(
          "files are mapped on Linux only, and this is os.name="
              + os
              + ": Medium.inMemory works everywhere");
    }
    if (pageBytes != PersistentRegion.PAGE_BYTES) {
      throw new HoldfastException.FileUnusable(
          "files are mapped in pages of %d bytes, and those of this kernel have %d: boot a kernel with that page"
              .formatted(PersistentRegion.PAGE_BYTES, pageBytes));
    }
  }
}
