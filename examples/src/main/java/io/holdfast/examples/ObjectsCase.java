// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import io.holdfast.tx.Editable;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Typed objects in a list, made in front, renamed, and freed. */
public final class ObjectsCase extends PoolCase<List<String>> {

  interface Node extends Editable<Node.Edit> {
    Type<Node> TYPE = Type.of(Node.class, MethodHandles.lookup());

    String name();

    Node next();

    interface Edit extends Node {
      Edit name(String text);

      Edit next(Node node);
    }
  }

  /**
   * A case.
   *
   * @param operations how many
   */
  public ObjectsCase(int operations) {
    super(operations);
  }

  private static Node head(Pool pool) {
    return pool.root("head", Node.TYPE);
  }

  @Override
  void roots(Pool pool) {
    head(pool);
  }

  @Override
  public void workload(Pool pool, Ops<List<String>> ops) {
    SplittableRandom random = ops.random();
    Node head = head(pool);
    for (int i = 0; i < operations; i++) {
      String name = "x".repeat(random.nextInt(80)) + i;
      int choice = head.next() == null ? 0 : random.nextInt(4);
      switch (choice) {
        case 1 -> ops.op("pop", List::removeFirst, () -> pop(pool, head));
        case 2 ->
            ops.op(
                "rename",
                model -> model.set(0, name),
                () -> pool.run(tx -> tx.edit(head.next()).name(name)));
        default ->
            ops.op(
                "push " + i,
                model -> model.addFirst(name),
                () ->
                    pool.run(tx -> {
                      Node made = pool.make(tx, Node.TYPE);
                      tx.edit(made).name(name).next(head.next());
                      tx.edit(head).next(made);
                    }));
      }
    }
  }

  private static void pop(Pool pool, Node head) {
    pool.run(tx -> {
      Node first = head.next();
      tx.edit(head).next(first.next());
      pool.free(tx, first);
    });
  }

  @Override
  public List<String> model() {
    return new ArrayList<>();
  }

  @Override
  public List<String> observe(Pool pool) {
    List<String> names = new ArrayList<>();
    for (Node at = head(pool).next(); at != null; at = at.next()) {
      names.add(at.name());
    }
    return names;
  }
}
