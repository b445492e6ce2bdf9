// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class UnitsTest {
  private static Units of(long from, long to, int shift, boolean forUsers) {
    Units units = new Units();
    units.set(from, to, shift, forUsers);
    return units;
  }

  @Test
  void units_ofAPart_theLastEndsWithIt() {
    Units units = of(100, 300, 7, true);
    assertEquals(100, units.unit(227));
    assertEquals(228, units.end(100));
    assertEquals(228, units.unit(299));
    assertEquals(300, units.end(228));
    assertEquals(100, of(100, 300, Units.WHOLE, true).unit(299));
    assertEquals(300, of(100, 300, Units.WHOLE, true).end(100));
  }

  @Test
  void mayName_inThePartIfItIsForUsers() {
    assertTrue(of(100, 300, 7, true).mayName(100, 200));
    assertFalse(of(100, 300, 7, true).mayName(101, 200));
    assertFalse(of(100, 300, 7, true).mayName(99, 1));
    assertFalse(of(100, 300, 7, true).mayName(300, 0));
    assertFalse(of(100, 300, 7, false).mayName(100, 8));
    assertFalse(new Units().mayName(0, 0));
  }

  @Test
  void isAs_theSameInAllThings() {
    Units units = of(100, 300, 7, true);
    assertTrue(units.isAs(of(100, 300, 7, true)));
    assertFalse(units.isAs(of(108, 300, 7, true)));
    assertFalse(units.isAs(of(100, 308, 7, true)));
    assertFalse(units.isAs(of(100, 300, 8, true)));
    assertFalse(units.isAs(of(100, 300, 7, false)));
  }
}
