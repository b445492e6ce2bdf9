// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.util.List;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Serves tests with {@link PersistLint}; for JUnit alone. */
public final class LintExtension implements ParameterResolver, AfterTestExecutionCallback {
  private static final ExtensionContext.Namespace NAMESPACE =
      ExtensionContext.Namespace.create(LintExtension.class);

  /** For JUnit. */
  public LintExtension() {}

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == PersistentRegion.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    TracingMedium medium = TracingMedium.ofSize(settings(context).size());
    medium.recordCalls();
    context.getStore(NAMESPACE).put(TracingMedium.class, medium);
    return medium.region();
  }

  @Override
  public void afterTestExecution(ExtensionContext context) {
    if (context.getExecutionException().isPresent()) {
      return;
    }
    TracingMedium medium =
        context.getStore(NAMESPACE).get(TracingMedium.class, TracingMedium.class);
    if (medium == null) {
      throw new AssertionError(
          context.getRequiredTestMethod().getName()
              + " was not watched: it needs a parameter of type PersistentRegion");
    }
    refuse(Lint.of(medium.trace()), settings(context).allow());
  }

  private static PersistLint settings(ExtensionContext context) {
    return context.getRequiredTestMethod().getAnnotation(PersistLint.class);
  }

  /** Throws unless all findings are of rules that may be broken. */
  static void refuse(List<LintFinding> findings, LintRule... allowed) {
    List<String> left =
        findings.stream()
            .filter(finding -> !List.of(allowed).contains(finding.rule()))
            .map(finding -> "\n  " + finding)
            .toList();
    if (!left.isEmpty()) {
      throw new AssertionError("rules of persistent memory are broken:" + String.join("", left));
    }
  }
}
