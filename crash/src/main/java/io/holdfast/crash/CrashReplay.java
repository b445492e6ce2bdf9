// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test that tries one crash of a {@link CrashCase} again, which once failed. Its method has a
 * parameter of type {@link CrashCheck} and hands the case to that.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@TestTemplate
@ExtendWith(CrashExtension.class)
public @interface CrashReplay {
  /**
   * Which crash.
   *
   * @return the token that the failure told
   */
  String value();
}
