// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;
import org.junit.platform.testkit.engine.Events;

/** Runs tests that are to fail, and tells how they do. */
final class Crashed {
  private Crashed() {}

  static Events run(Class<?> tests, String method, Class<?> parameter) {
    return EngineTestKit.engine("junit-jupiter")
        .selectors(selectMethod(tests, method, parameter.getName()))
        .execute()
        .testEvents();
  }

  /** What the first failure says. */
  static String message(Events events) {
    Event failed = events.failed().stream().findFirst().orElseThrow();
    return failed
        .getRequiredPayload(TestExecutionResult.class)
        .getThrowable()
        .orElseThrow()
        .getMessage();
  }

  /** The token of a failure that names a missing store and its line, in at most ten lines. */
  static String token(String message, String file) {
    assertTrue(message.matches("(?s).*\n  not (durable|yet made): offset.*"), message);
    assertTrue(message.contains("(" + file + ":"), message);
    assertTrue(message.lines().count() <= 10, message);
    return message.substring(message.lastIndexOf(' ') + 1);
  }
}
