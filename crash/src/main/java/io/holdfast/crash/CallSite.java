// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.stream.Stream;

/** The line of code on whose behalf a medium is called. */
final class CallSite {
  private static final StackWalker WALKER =
      StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);
  private static final String DOOR = "io.holdfast.flush";
  private static final String LIBRARY = "io.holdfast.";

  /** The caller; inside the library, then who called that. */
  private final StackWalker.StackFrame[] frames = new StackWalker.StackFrame[2];

  private CallSite(Stream<StackWalker.StackFrame> stack) {
    stack
        .dropWhile(frame -> isWatcher(frame.getDeclaringClass()))
        .filter(frame -> frames[0] == null || !isLibrary(frame.getDeclaringClass()))
        .limit(2)
        .forEach(frame -> frames[frames[0] == null ? 0 : 1] = frame);
  }

  /** Where the present thread is. */
  static CallSite current() {
    return WALKER.walk(CallSite::new);
  }

  /** As "Ring.put (Ring.java:41)"; inside the library, with the line that called it. */
  @Override
  public String toString() {
    return !isLibrary(frames[0].getDeclaringClass()) || frames[1] == null
        ? line(frames[0])
        : line(frames[0]) + ", called by " + line(frames[1]);
  }

  private static boolean isWatcher(Class<?> type) {
    return type == TracingMedium.class
        || type.getNestHost() == TracingMedium.class
        || type.getNestHost() == Trace.class
        || type == CallSite.class
        || type.getPackageName().equals(DOOR);
  }

  /** Whether it is the library, and not a test of it, which is on the class path by itself. */
  private static boolean isLibrary(Class<?> type) {
    return type.getName().startsWith(LIBRARY) && !type.getNestHost().getName().endsWith("Test");
  }

  private static String line(StackWalker.StackFrame frame) {
    String type = frame.getClassName();
    return "%s.%s (%s:%d)"
        .formatted(
            type.substring(type.lastIndexOf('.') + 1),
            frame.getMethodName(),
            frame.getFileName(),
            frame.getLineNumber());
  }
}
