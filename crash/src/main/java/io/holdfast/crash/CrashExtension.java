// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.lang.reflect.Method;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
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
      return Stream.of(explored.models())
          .map(model -> new Run(model.name(), CrashCheck.exploring(explored, model, report)));
    }
    CrashReplay replayed = method.getAnnotation(CrashReplay.class);
    if (replayed != null) {
      return Stream.of(new Run(replayed.value(), CrashCheck.replaying(replayed.value())));
    }
    KillTest killed = method.getAnnotation(KillTest.class);
    long seed = killed.seed() != 0 ? killed.seed() : System.nanoTime();
    return Stream.of(killed.media())
        .map(medium ->
            new Run(
                "%s, seed %d".formatted(medium, seed),
                new KillCheck(killed, medium, seed, report)));
  }

  /** One run of a method, with what its parameter is. */
  private record Run(String name, Object check)
      implements TestTemplateInvocationContext, ParameterResolver {
    @Override
    public String getDisplayName(int invocation) {
      return name;
    }

    @Override
    public List<Extension> getAdditionalExtensions() {
      return List.of(this);
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
