// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LineNumber;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * A program with one of its calls changed.
 *
 * @param type the class that makes the call
 * @param method the method that makes it
 * @param number which of the method's calls it is, from 0
 * @param change what becomes of it
 * @param call what is called
 * @param line the line of code
 */
record Mutant(String type, String method, int number, Change change, String call, int line) {
  /** What becomes of a call. */
  enum Change {
    /** It is left out. */
    DROP,
    /** Its last argument, a length, is a line less. */
    SHORT
  }

  /** All mutants of a class, in calls of methods that are named as in "Lines.add". */
  static List<Mutant> of(byte[] bytes, Predicate<String> calls) {
    ClassModel model = ClassFile.of().parse(bytes);
    List<Mutant> found = new ArrayList<>();
    for (MethodModel method : model.methods()) {
      int number = 0;
      int line = 0;
      for (CodeElement element : method.code().map(code -> code.elementList()).orElse(List.of())) {
        if (element instanceof LineNumber at) {
          line = at.line();
        } else if (element instanceof InvokeInstruction call) {
          if (calls.test(name(call))) {
            for (Change change : changes(call)) {
              found.add(
                  new Mutant(
                      model.thisClass().asInternalName(),
                      key(method),
                      number,
                      change,
                      name(call),
                      line));
            }
          }
          number++;
        }
      }
    }
    return found;
  }

  private static String name(InvokeInstruction call) {
    return simple(call.owner().asInternalName()) + "." + call.name().stringValue();
  }

  private static List<Change> changes(InvokeInstruction call) {
    return call.owner().asInternalName().endsWith("Lines") && call.name().equalsString("add")
        ? List.of(Change.DROP, Change.SHORT)
        : List.of(Change.DROP);
  }

  private static String key(MethodModel method) {
    return method.methodName().stringValue() + method.methodType().stringValue();
  }

  private static String simple(String internalName) {
    return internalName.substring(internalName.lastIndexOf('/') + 1);
  }

  /** The class with the change made. */
  byte[] apply(byte[] bytes) {
    ClassModel model = ClassFile.of().parse(bytes);
    return ClassFile.of()
        .transformClass(
            model,
            ClassTransform.transformingMethodBodies(
                one -> key(one).equals(method), CodeTransform.ofStateful(this::calls)));
  }

  private CodeTransform calls() {
    int[] next = new int[1];
    return (code, element) -> {
      if (element instanceof InvokeInstruction call && next[0]++ == number) {
        if (change == Change.SHORT) {
          code.loadConstant(64L).lsub().loadConstant(0L);
          code.invokestatic(
              ClassDesc.of("java.lang.Math"), "max", MethodTypeDesc.ofDescriptor("(JJ)J"));
          code.with(element);
        } else {
          drop(code, call);
        }
      } else {
        code.with(element);
      }
    };
  }

  private static void drop(CodeBuilder code, InvokeInstruction call) {
    MethodTypeDesc type = call.typeSymbol();
    for (ClassDesc argument : type.parameterList().reversed()) {
      pop(code, TypeKind.from(argument));
    }
    boolean fluent = type.returnType().equals(call.owner().asSymbol());
    if (call.opcode() != Opcode.INVOKESTATIC && !fluent) {
      code.pop();
    }
    switch (TypeKind.from(type.returnType())) {
      case LONG -> code.lconst_0();
      case INT, BOOLEAN -> code.iconst_0();
      default -> {
        if (!fluent && TypeKind.from(type.returnType()) != TypeKind.VOID) {
          throw new IllegalStateException("no value for " + type.returnType());
        }
      }
    }
  }

  private static void pop(CodeBuilder code, TypeKind kind) {
    if (kind.slotSize() == 2) {
      code.pop2();
    } else {
      code.pop();
    }
  }

  /** As it is called however many lines of code come before it. */
  @Override
  public String toString() {
    return "%s %s in %s.%s, call %d"
        .formatted(
            change == Change.DROP ? "without" : "a line less in",
            call,
            simple(type),
            method.substring(0, method.indexOf('(')),
            number);
  }
}
