// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PlatformTest {
  private static void assertRefused(String words, Platform platform) {
    HoldfastException e = assertThrows(HoldfastException.FileUnusable.class, platform::require);
    assertTrue(e.getMessage().contains(words), e.getMessage());
  }

  @Test
  void require_linuxWithPagesOf4096Bytes_only() {
    new Platform("Linux", 4096).require();
    assertRefused("os.name=Windows 11", new Platform("Windows 11", 4096));
    assertRefused("those of this kernel have 65536", new Platform("Linux", 65_536));
    assertRefused("those of this kernel have 16384", new Platform("Linux", 16_384));
  }

  @Test
  void current_hereWhereFilesAreMapped_isSuchAOne() {
    assertEquals(new Platform("Linux", 4096), Platform.current());
  }
}
