// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashSet;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Loads the classes of a package and its tests anew, one of them changed, and those in which its
 * threads wait; the rest by the parent.
 */
final class MutantLoader extends ClassLoader {
  private static final ClassDesc END = ClassDesc.of(MutantEnd.class.getName());

  private final String prefix;
  private final Set<String> besides;
  private final String changed;
  private final UnaryOperator<byte[]> change;

  /**
   * For one mutant.
   *
   * @param anchor a class of the package
   * @param besides the names of classes of other packages that are loaded anew
   * @param changed the internal name of the class that is changed; of none if it is empty
   * @param change makes the change
   */
  MutantLoader(Class<?> anchor, Set<String> besides, String changed, UnaryOperator<byte[]> change) {
    super(anchor.getClassLoader());
    this.prefix = anchor.getPackageName() + ".";
    this.besides = besides;
    this.changed = changed;
    this.change = change;
    setDefaultAssertionStatus(anchor.desiredAssertionStatus());
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!isEnded(name) && !name.startsWith(MutantEnd.class.getName())) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded != null ? loaded : define(name);
    }
  }

  private boolean isEnded(String name) {
    return name.startsWith(prefix) || besides.contains(name);
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
      if (isEnded(name)) {
        bytes = withEnd(bytes);
      }
      return defineClass(name, bytes, 0, bytes.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Every jump back asks whether this is the end. */
  private static byte[] withEnd(byte[] bytes) {
    ClassFile file = ClassFile.of();
    return file.transformClass(
        file.parse(bytes),
        ClassTransform.transformingMethodBodies(
            CodeTransform.ofStateful(() -> {
              Set<Label> passed = new HashSet<>();
              return (code, element) -> {
                if (element instanceof LabelTarget target) {
                  passed.add(target.label());
                } else if (element instanceof BranchInstruction branch
                    && passed.contains(branch.target())) {
                  code.invokestatic(END, "check", MethodTypeDesc.of(ConstantDescs.CD_void));
                }
                code.with(element);
              };
            })));
  }

  /** Ends all threads that run in these classes. */
  void end() throws ReflectiveOperationException {
    loadClass(MutantEnd.class.getName()).getMethod("reach").invoke(null);
  }
}
