// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.function.UnaryOperator;

/**
 * Loads the classes of a package and its tests anew, one of them changed; the rest by the parent.
 */
final class MutantLoader extends ClassLoader {
  private final String prefix;
  private final String changed;
  private final UnaryOperator<byte[]> change;

  /**
   * For one mutant.
   *
   * @param anchor a class of the package
   * @param changed the internal name of the class that is changed; of none if it is empty
   * @param change makes the change
   */
  MutantLoader(Class<?> anchor, String changed, UnaryOperator<byte[]> change) {
    super(anchor.getClassLoader());
    this.prefix = anchor.getPackageName() + ".";
    this.changed = changed;
    this.change = change;
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
      if (path.equals(changed)) {
        bytes = change.apply(bytes);
      }
      return defineClass(name, bytes, 0, bytes.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
