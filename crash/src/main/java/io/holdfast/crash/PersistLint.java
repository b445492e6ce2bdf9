// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * On a test of any kind: gives it a watched region, by a parameter of type {@link
 * io.holdfast.flush.PersistentRegion}, and fails it when it breaks one of the {@linkplain LintRule
 * rules}. Nothing is crashed, so it takes no longer than the test. What the test stored has to be
 * durable when it ends.
 */
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(LintExtension.class)
public @interface PersistLint {
  /**
   * How large the region is, which is in memory and holds zeros.
   *
   * @return its size in bytes, a multiple of 8
   */
  int size() default 1 << 20;

  /**
   * Rules that may be broken.
   *
   * @return the rules
   */
  LintRule[] allow() default {};
}
