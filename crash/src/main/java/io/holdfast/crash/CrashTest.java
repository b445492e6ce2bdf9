// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * A test that explores a {@link CrashCase}. Its method has a parameter of type {@link CrashCheck}
 * and hands the case to that. It runs once for each model and operation, and once for the opening:
 * the names of these tests have the operation, the model and the seed.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@TestTemplate
@ExtendWith(CrashExtension.class)
@Execution(ExecutionMode.SAME_THREAD)
public @interface CrashTest {
  /**
   * Which images a crash may leave.
   *
   * @return the models
   */
  CrashModel[] models() default CrashModel.WORD;

  /**
   * What the workload draws its operations from; see {@link CrashCase.Ops#random}.
   *
   * @return the seed; 0 for one from the clock
   */
  long seed() default 1;

  /**
   * How often a recovery is crashed in its turn.
   *
   * @return 0 or more
   */
  int nested() default 0;

  /**
   * Rules that the workload may break. Others fail the test of the operation that breaks them.
   *
   * @return the rules
   */
  LintRule[] allow() default {};

  /**
   * How many states of one point are tried at most; the test fails where there are more.
   *
   * @return at least 1
   */
  long limit() default 20_000;
}
