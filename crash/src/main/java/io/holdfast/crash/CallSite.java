// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

/** The line of code on whose behalf a medium is called. */
final class CallSite {
  private static final StackWalker WALKER =
      StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);
  private static final String DOOR = "io.holdfast.flush";
  private static final String LIBRARY = "io.holdfast.";

  private CallSite() {}

  /** As "Ring.put (Ring.java:41)"; inside the library, with the line that called it. */
  static String current() {
    return WALKER.walk(frames -> {
      StackWalker.StackFrame[] found = new StackWalker.StackFrame[2];
      frames
          .dropWhile(frame -> isWatcher(frame.getDeclaringClass()))
          .filter(frame -> found[0] == null || !isLibrary(frame.getDeclaringClass()))
          .limit(2)
          .forEach(frame -> found[found[0] == null ? 0 : 1] = frame);
      return !isLibrary(found[0].getDeclaringClass()) || found[1] == null
          ? line(found[0])
          : line(found[0]) + ", called by " + line(found[1]);
    });
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
