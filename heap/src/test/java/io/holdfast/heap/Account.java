// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Editable;
import java.lang.invoke.MethodHandles;

/** An object with a field of each kind. */
interface Account extends Editable<Account.Edit> {
  Type<Account> TYPE = Type.of(Account.class, MethodHandles.lookup());

  String owner();

  long balance();

  Account next();

  Block data();

  int number();

  short branch();

  char sign();

  byte kind();

  boolean open();

  float rate();

  double limit();

  default String label() {
    return owner() + ":" + balance();
  }

  interface Edit extends Account {
    Edit owner(String value);

    Edit balance(long value);

    Edit next(Account value);

    Edit data(Block value);

    Edit number(int value);

    Edit branch(short value);

    Edit sign(char value);

    Edit kind(byte value);

    void open(boolean value);

    Edit rate(float value);

    Edit limit(double value);
  }
}
