// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * Loads the classes of a package and its tests anew, one of them changed; the rest by the parent.
 */
final class MutantLoader extends ClassLoader {
  private final String prefix;
  private final Mutant mutant;

  /**
   * For one mutant.
   *
   * @param anchor a class of the package
   * @param mutant the change, or null for none
   */
  MutantLoader(Class<?> anchor, Mutant mutant) {
    super(anchor.getClassLoader());
    this.prefix = anchor.getPackageName() + ".";
    this.mutant = mutant;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith(prefix)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded != null ? loaded : define(name);
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    String path = name.replace('.', '/');
    try (InputStream in = getParent().getResourceAsStream(path + ".class")) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      byte[] bytes = in.readAllBytes();
      if (mutant != null && path.equals(mutant.type())) {
        bytes = mutant.apply(bytes);
      }
      return defineClass(name, bytes, 0, bytes.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
