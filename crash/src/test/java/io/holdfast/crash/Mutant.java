// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ExceptionCatch;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.classfile.instruction.StackInstruction;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.classfile.instruction.ThrowInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
  private static final int NOWHERE = -1;

  /** What becomes of a call. */
  enum Change {
    /** It is left out; what it would return is 0. */
    DROP("without"),
    /** Its last argument, a length, is a line less. */
    SHORT("a line less in"),
    /**
     * It is made after the next one of the other kind, if that surely follows: a store after what
     * orders stores, or the reverse. Stores alone have no order.
     */
    LATE("late"),
    /** What is stored by it may be reordered by a compiler. */
    PLAIN("plainly"),
    /** Its last argument is 0. */
    ZERO("with 0 at the end of"),
    /** It is left out; what it would return is true. */
    TRUE("true instead of");

    private final String words;

    Change(String words) {
      this.words = words;
    }
  }

  /**
   * All mutants of a class.
   *
   * @param calls which calls are changed how: methods that are named as in "Lines.add"; under
   *     {@link Change#LATE} those that order others, which are under {@link Change#DROP}
   */
  static List<Mutant> of(byte[] bytes, Map<Change, Set<String>> calls) {
    ClassModel model = ClassFile.of().parse(bytes);
    List<Mutant> found = new ArrayList<>();
    for (MethodModel method : model.methods()) {
      List<CodeElement> code = method.code().map(body -> body.elementList()).orElse(List.of());
      int number = 0;
      int line = 0;
      for (int i = 0; i < code.size(); i++) {
        if (code.get(i) instanceof LineNumber at) {
          line = at.line();
        } else if (code.get(i) instanceof InvokeInstruction call) {
          for (Change change : Change.values()) {
            if (isPossible(change, code, i, calls)) {
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

  private static boolean isPossible(
      Change change, List<CodeElement> code, int at, Map<Change, Set<String>> calls) {
    return change == Change.LATE
        ? later(code, at, calls) != NOWHERE
        : calls.getOrDefault(change, Set.of()).contains(name((InvokeInstruction) code.get(at)));
  }

  private static String name(InvokeInstruction call) {
    return simple(call.owner().asInternalName()) + "." + call.name().stringValue();
  }

  private static String key(MethodModel method) {
    return method.methodName().stringValue() + method.methodType().stringValue();
  }

  private static String simple(String internalName) {
    return internalName.substring(internalName.lastIndexOf('/') + 1);
  }

  // ---- where a late call is made

  /** The next call of the other kind, if it is made whenever one is that returns nothing of use. */
  private static int later(List<CodeElement> code, int at, Map<Change, Set<String>> calls) {
    Set<String> ordering = calls.getOrDefault(Change.LATE, Set.of());
    Set<String> all = calls.getOrDefault(Change.DROP, Set.of());
    InvokeInstruction call = (InvokeInstruction) code.get(at);
    if (!all.contains(name(call))) {
      return NOWHERE;
    }
    boolean orders = ordering.contains(name(call));
    boolean isVoid = call.typeSymbol().returnType().equals(ConstantDescs.CD_void);
    int from = isVoid ? at + 1 : afterPop(code, at);
    if (from == NOWHERE) {
      return NOWHERE;
    }
    Set<Label> targets = targets(code);
    for (int i = from; i < code.size(); i++) {
      switch (code.get(i)) {
        case InvokeInstruction next
            when all.contains(name(next)) && ordering.contains(name(next)) != orders -> {
          return i;
        }
        case BranchInstruction _,
            ReturnInstruction _,
            ThrowInstruction _,
            LookupSwitchInstruction _,
            TableSwitchInstruction _ -> {
          return NOWHERE;
        }
        case LabelTarget label when targets.contains(label.label()) -> {
          return NOWHERE;
        }
        default -> {}
      }
    }
    return NOWHERE;
  }

  /** The place after the instruction that throws a result away; nowhere if it is used. */
  private static int afterPop(List<CodeElement> code, int at) {
    for (int i = at + 1; i < code.size(); i++) {
      if (code.get(i) instanceof StackInstruction stack) {
        return stack.opcode() == Opcode.POP || stack.opcode() == Opcode.POP2 ? i + 1 : NOWHERE;
      } else if (!(code.get(i) instanceof LineNumber || code.get(i) instanceof LabelTarget)) {
        return NOWHERE;
      }
    }
    return NOWHERE;
  }

  /** Where control may come from elsewhere, or be caught. */
  private static Set<Label> targets(List<CodeElement> code) {
    Set<Label> targets = new HashSet<>();
    for (CodeElement element : code) {
      switch (element) {
        case BranchInstruction branch -> targets.add(branch.target());
        case LookupSwitchInstruction choice -> {
          targets.add(choice.defaultTarget());
          choice.cases().forEach(one -> targets.add(one.target()));
        }
        case TableSwitchInstruction choice -> {
          targets.add(choice.defaultTarget());
          choice.cases().forEach(one -> targets.add(one.target()));
        }
        case ExceptionCatch caught -> {
          targets.add(caught.tryStart());
          targets.add(caught.tryEnd());
          targets.add(caught.handler());
        }
        default -> {}
      }
    }
    return targets;
  }

  // ---- the change

  /**
   * The class with the change made.
   *
   * @param calls as they were given when the mutant was found
   */
  byte[] apply(byte[] bytes, Map<Change, Set<String>> calls) {
    ClassModel model = ClassFile.of().parse(bytes);
    MethodModel changed =
        model.methods().stream().filter(one -> key(one).equals(method)).findFirst().orElseThrow();
    List<CodeElement> code = changed.code().orElseThrow().elementList();
    int at = position(code);
    return ClassFile.of()
        .transformClass(
            model,
            ClassTransform.transformingMethodBodies(
                one -> key(one).equals(method),
                change == Change.LATE
                    ? postponed(code, at, later(code, at, calls))
                    : replaced(at)));
  }

  /** Where the call is among the elements of the method. */
  private int position(List<CodeElement> code) {
    int calls = 0;
    for (int i = 0; i < code.size(); i++) {
      if (code.get(i) instanceof InvokeInstruction && calls++ == number) {
        return i;
      }
    }
    throw new IllegalStateException("there is no " + this);
  }

  private CodeTransform replaced(int at) {
    int[] next = new int[1];
    return (code, element) -> {
      if (next[0]++ == at) {
        replace(code, (InvokeInstruction) element);
      } else {
        code.with(element);
      }
    };
  }

  private void replace(CodeBuilder code, InvokeInstruction call) {
    switch (change) {
      case SHORT -> {
        code.loadConstant(64L).lsub().loadConstant(0L);
        code.invokestatic(
            ClassDesc.of("java.lang.Math"), "max", MethodTypeDesc.ofDescriptor("(JJ)J"));
        code.with(call);
      }
      case PLAIN -> {
        String plain = call.name().stringValue().replaceFirst("Release$", "");
        code.invokevirtual(call.owner().asSymbol(), plain, call.typeSymbol());
      }
      case ZERO -> {
        TypeKind last = TypeKind.from(call.typeSymbol().parameterList().getLast());
        pop(code, last);
        zero(code, last);
        code.with(call);
      }
      case DROP -> {
        dropArguments(code, call);
        ClassDesc result = call.typeSymbol().returnType();
        if (!result.equals(call.owner().asSymbol())) {
          dropReceiver(code, call);
          zero(code, TypeKind.from(result));
        }
      }
      case TRUE -> {
        dropArguments(code, call);
        dropReceiver(code, call);
        code.iconst_1();
      }
      case LATE -> throw new IllegalStateException("not in one place: " + this);
    }
  }

  private static void dropArguments(CodeBuilder code, InvokeInstruction call) {
    for (ClassDesc argument : call.typeSymbol().parameterList().reversed()) {
      pop(code, TypeKind.from(argument));
    }
  }

  private static void dropReceiver(CodeBuilder code, InvokeInstruction call) {
    if (call.opcode() != Opcode.INVOKESTATIC) {
      code.pop();
    }
  }

  private static void pop(CodeBuilder code, TypeKind kind) {
    switch (kind.slotSize()) {
      case 2 -> code.pop2();
      case 1 -> code.pop();
      default -> {}
    }
  }

  private static void zero(CodeBuilder code, TypeKind kind) {
    switch (kind.asLoadable()) {
      case LONG -> code.lconst_0();
      case INT -> code.iconst_0();
      case REFERENCE -> code.aconst_null();
      case VOID -> {}
      default -> throw new IllegalStateException("no value of " + kind);
    }
  }

  /** Arguments wait in variables; a result, which nobody wants, is thrown away later too. */
  private static CodeTransform postponed(List<CodeElement> elements, int at, int later) {
    InvokeInstruction call = (InvokeInstruction) elements.get(at);
    boolean isVoid = call.typeSymbol().returnType().equals(ConstantDescs.CD_void);
    int popped = isVoid ? NOWHERE : afterPop(elements, at) - 1;
    int[] next = new int[1];
    Deque<Integer> variables = new ArrayDeque<>();
    return (code, element) -> {
      int index = next[0]++;
      if (index == at) {
        for (TypeKind kind : kinds(call).reversed()) {
          int variable = code.allocateLocal(kind);
          code.storeLocal(kind, variable);
          variables.push(variable);
        }
      } else if (index != popped) {
        code.with(element);
      }
      if (index == later) {
        for (TypeKind kind : kinds(call)) {
          code.loadLocal(kind, variables.pop());
        }
        code.with(call);
        if (!isVoid) {
          pop(code, TypeKind.from(call.typeSymbol().returnType()));
        }
      }
    };
  }

  /** Of what a call takes from the stack. */
  private static List<TypeKind> kinds(InvokeInstruction call) {
    List<TypeKind> kinds = new ArrayList<>();
    if (call.opcode() != Opcode.INVOKESTATIC) {
      kinds.add(TypeKind.REFERENCE);
    }
    call.typeSymbol().parameterList().forEach(one -> kinds.add(TypeKind.from(one).asLoadable()));
    return kinds;
  }

  /** As it is called however many lines of code come before it. */
  @Override
  public String toString() {
    return "%s %s in %s.%s, call %d"
        .formatted(
            change.words, call, simple(type), method.substring(0, method.indexOf('(')), number);
  }
}
