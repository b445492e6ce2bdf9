// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.openhft.chronicle.bytes.BytesIn;
import net.openhft.chronicle.bytes.BytesMarshallable;
import net.openhft.chronicle.bytes.BytesOut;

/** Something of each kind that a value may be made of. */
class Order implements BytesMarshallable {
  long number;
  double price;
  int quantity;
  boolean isBid;
  String owner = "";
  String symbol = "";
  final List<Long> fills = new ArrayList<>();

  static Order of(long number) {
    Order order = new Order();
    order.number = number;
    order.price = number / 4.0;
    order.quantity = (int) number * 100;
    order.isBid = number % 2 == 0;
    order.owner = "jürgen " + number;
    order.symbol = "S" + number;
    for (long fill = 0; fill < number % 5; fill++) {
      order.fills.add(fill * number);
    }
    return order;
  }

  @Override
  public void writeMarshallable(BytesOut<?> out) {
    out.writeLong(number).writeDouble(price).writeInt(quantity).writeBoolean(isBid);
    out.writeUtf8(owner).write8bit(symbol).writeStopBit(fills.size());
    fills.forEach(out::writeStopBit);
  }

  @Override
  public void readMarshallable(BytesIn<?> in) {
    number = in.readLong();
    price = in.readDouble();
    quantity = in.readInt();
    isBid = in.readBoolean();
    owner = in.readUtf8();
    symbol = in.read8bit();
    for (long left = in.readStopBit(); left > 0; left--) {
      fills.add(in.readStopBit());
    }
  }

  private List<Object> all() {
    return List.of(number, price, quantity, isBid, owner, symbol, fills);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Order that && all().equals(that.all());
  }

  @Override
  public int hashCode() {
    return Objects.hash(number);
  }

  @Override
  public String toString() {
    return all().toString();
  }
}
