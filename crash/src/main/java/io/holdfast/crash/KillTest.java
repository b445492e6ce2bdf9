// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test that kills a {@link KillProgram} over and over, once for each medium. Its method has a
 * parameter of type {@link KillCheck} and hands the program to that. The seed is in its name.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@TestTemplate
@ExtendWith(CrashExtension.class)
public @interface KillTest {
  /**
   * How often to kill.
   *
   * @return at least 1
   */
  int kills() default 20;

  /**
   * What the plan is drawn from.
   *
   * @return the seed; 0 for one from the clock
   */
  long seed() default 0;

  /**
   * What a kill means.
   *
   * @return the media
   */
  KillMedium[] media() default {KillMedium.SHARED, KillMedium.VOLATILE_CACHE};

  /**
   * Where the region's file is made, and kept if it shows a loss.
   *
   * @return a folder; empty for the temporary one
   */
  String folder() default "";
}
