// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.CrashCase;
import io.holdfast.crash.CrashCheck;
import io.holdfast.crash.CrashFailure;
import io.holdfast.crash.CrashModel;
import io.holdfast.crash.CrashTest;
import io.holdfast.crash.Explorer;
import io.holdfast.crash.PersistLint;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Block;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import io.holdfast.tx.Transaction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A linked stack in a block of a pool, and one that writes a node without a snapshot. */
@Timeout(120)
class LinkedStackTest {
  /** Nodes of a number and a link, on one of two lists: the stack, and the free ones. */
  static class LinkedStack {
    static final long TOP = 0;
    static final long FREE = 8;
    static final long NODE = 64;
    static final int CAPACITY = 3;
    static final Type<Block> STACK = Type.block(NODE * (CAPACITY + 1));

    final PersistentRegion region;
    final Pool pool;
    final long base;

    LinkedStack(PersistentRegion region) {
      this.region = region;
      pool = Pool.open(region, "stack");
      base = pool.root("stack", STACK).offset();
    }

    /** A pool with an empty stack. */
    static void create(PersistentRegion region) {
      Pool pool = Pool.create(region, "stack", new SplittableRandom(1));
      Block block = pool.root("stack", STACK);
      pool.run(tx -> {
        for (long node = NODE; node < NODE * CAPACITY; node += NODE) {
          tx.edit(block).setLong(node + 8, node + NODE);
        }
        tx.edit(block).setLong(FREE, NODE);
      });
    }

    long word(long at) {
      return region.getLong(base + at);
    }

    void push(long value) {
      pool.run(tx -> {
        long node = word(FREE);
        long next = word(node + 8);
        fill(tx, node, value, word(TOP));
        tx.setLong(base + FREE, next);
        tx.setLong(base + TOP, node);
      });
    }

    void pop() {
      pool.run(tx -> {
        long node = word(TOP);
        tx.setLong(base + TOP, word(node + 8));
        tx.setLong(base + node + 8, word(FREE));
        tx.setLong(base + FREE, node);
      });
    }

    void fill(Transaction tx, long node, long value, long next) {
      tx.snapshot(base + node, 16);
      region.putLong(base + node, value);
      region.putLong(base + node + 8, next);
    }

    /** The nodes of a list, which ends. */
    List<Long> nodes(long list) {
      List<Long> nodes = new ArrayList<>();
      for (long node = word(list); node != 0; node = word(node + 8)) {
        nodes.add(node);
        assertTrue(nodes.size() <= CAPACITY, () -> "a circle: " + nodes);
      }
      return nodes;
    }
  }

  /** Takes no snapshot of a node that is not on the stack yet, since nobody sees it there. */
  static class HastyLinkedStack extends LinkedStack {
    HastyLinkedStack(PersistentRegion region) {
      super(region);
    }

    @Override
    void fill(Transaction tx, long node, long value, long next) {
      region.putLong(base + node, value);
      region.putLong(base + node + 8, next);
      region.persist(base + node, 16);
    }
  }

  record StackCase(Function<PersistentRegion, LinkedStack> maker)
      implements CrashCase<LinkedStack, List<Long>> {
    @Override
    public int size() {
      return 1 << 20;
    }

    @Override
    public void prepare(PersistentRegion region) {
      LinkedStack.create(region);
    }

    @Override
    public LinkedStack open(PersistentRegion region) {
      return maker.apply(region);
    }

    @Override
    public void workload(LinkedStack stack, Ops<List<Long>> ops) {
      ops.op("push 10", model -> model.addFirst(10L), () -> stack.push(10));
      ops.op("push 20", model -> model.addFirst(20L), () -> stack.push(20));
      ops.op("pop", List::removeFirst, stack::pop);
      ops.op("push 30", model -> model.addFirst(30L), () -> stack.push(30));
    }

    @Override
    public List<Long> model() {
      return new ArrayList<>();
    }

    @Override
    public List<Long> observe(LinkedStack stack) {
      return stack.nodes(LinkedStack.TOP).stream().map(stack::word).toList();
    }

    @Override
    public void invariants(LinkedStack stack) {
      List<Long> all = stack.nodes(LinkedStack.TOP);
      all.addAll(stack.nodes(LinkedStack.FREE));
      Collections.sort(all);
      assertEquals(List.of(64L, 128L, 192L), all, "each node is on one list");
    }
  }

  @CrashTest(
      models = {CrashModel.WORD, CrashModel.X86_LINE, CrashModel.EADR},
      nested = 1)
  void stack(CrashCheck check) {
    check.run(new StackCase(LinkedStack::new));
  }

  @Test
  void stack_breaksNoRule() {
    StackCase sound = new StackCase(LinkedStack::new);
    assertEquals(List.of(), Explorer.of(sound).lint(sound));
  }

  /** What is run below, and fails. */
  static class Failing {
    @CrashTest
    void hasty(CrashCheck check) {
      check.run(new StackCase(HastyLinkedStack::new));
    }

    @Test
    @PersistLint
    void linted(PersistentRegion region) {
      LinkedStack.create(region);
      new HastyLinkedStack(region).push(10);
    }
  }

  @Test
  void hastyStack_isFound_andAgainByItsToken() {
    String message = Crashed.message(Crashed.run(Failing.class, "hasty", CrashCheck.class));
    String token = Crashed.token(message, "LinkedStackTest.java");
    StackCase hasty = new StackCase(HastyLinkedStack::new);
    CrashFailure again =
        assertThrows(CrashFailure.class, () -> Explorer.of(hasty).replay(token, hasty));
    assertEquals(token, again.token());
  }

  @Test
  void hastyStack_isNamedByTheLint() {
    String message = Crashed.message(Crashed.run(Failing.class, "linted", PersistentRegion.class));
    assertTrue(message.contains("L5 "), message);
    assertTrue(message.contains("HastyLinkedStack.fill (LinkedStackTest.java:"), message);
  }
}
