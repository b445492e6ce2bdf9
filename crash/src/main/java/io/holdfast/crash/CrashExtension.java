// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.lang.reflect.Method;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.Extension;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestTemplateInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContextProvider;

/**
 * Runs methods with {@link CrashTest}, {@link CrashReplay} and {@link KillTest}; for JUnit alone.
 */
public final class CrashExtension implements TestTemplateInvocationContextProvider {
  /** For JUnit. */
  public CrashExtension() {}

  @Override
  public boolean supportsTestTemplate(ExtensionContext context) {
    return true;
  }

  @Override
  public Stream<TestTemplateInvocationContext> provideTestTemplateInvocationContexts(
      ExtensionContext context) {
    Method method = context.getRequiredTestMethod();
    Consumer<String> report = text -> context.publishReportEntry("crash", text);
    CrashTest explored = method.getAnnotation(CrashTest.class);
    if (explored != null) {
      long seed = seed(explored.seed());
      return Stream.of(explored.models())
          .flatMap(model -> new Operations(explored, model, seed, report).runs());
    }
    CrashReplay replayed = method.getAnnotation(CrashReplay.class);
    if (replayed != null) {
      return Stream.of(new Run(replayed.value(), CrashCheck.replaying(replayed.value())));
    }
    KillTest killed = method.getAnnotation(KillTest.class);
    long seed = seed(killed.seed());
    return Stream.of(killed.media())
        .map(medium ->
            new Run(
                "%s, seed %d".formatted(medium, seed),
                new KillCheck(killed, medium, seed, report)));
  }

  private static long seed(long asked) {
    return asked != 0 ? asked : System.nanoTime();
  }

  /**
   * The runs for one model: for the opening, and then for each operation. Which operations there
   * are is known when the first has run, which it has when the second is asked for.
   */
  private static final class Operations implements Iterator<Run> {
    private final CrashTest settings;
    private final CrashModel model;
    private final long seed;
    private final Consumer<String> report;
    private CrashCheck first;
    private int next;

    Operations(CrashTest settings, CrashModel model, long seed, Consumer<String> report) {
      this.settings = settings;
      this.model = model;
      this.seed = seed;
      this.report = report;
    }

    Stream<TestTemplateInvocationContext> runs() {
      return StreamSupport.stream(
          Spliterators.spliteratorUnknownSize(this, Spliterator.ORDERED), false);
    }

    @Override
    public boolean hasNext() {
      return next == 0 || first.operations() != null && next <= first.operations().size();
    }

    @Override
    public Run next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      CrashCheck check = CrashCheck.exploring(settings, model, seed, next, report);
      if (next == 0) {
        first = check;
      }
      String name = next == 0 ? "opening" : first.operations().get(next - 1);
      next++;
      return new Run("%s [%s, seed %d]".formatted(name, model, seed), check);
    }
  }

  /** One run of a method, with what its parameter is. */
  private record Run(String name, Check check)
      implements TestTemplateInvocationContext, ParameterResolver, AfterTestExecutionCallback {
    @Override
    public String getDisplayName(int invocation) {
      return name;
    }

    @Override
    public List<Extension> getAdditionalExtensions() {
      return List.of(this);
    }

    /** A test that never handed over its case has tried nothing. */
    @Override
    public void afterTestExecution(ExtensionContext context) {
      if (context.getExecutionException().isEmpty() && !check.hasRun()) {
        throw new AssertionError(
            context.getRequiredTestMethod().getName()
                + " tried nothing: it must have a parameter of type "
                + check.getClass().getSimpleName()
                + " and call its run");
      }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == check.getClass();
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return check;
    }
  }
}
