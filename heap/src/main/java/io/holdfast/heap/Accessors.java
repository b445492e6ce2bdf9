// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.constant.ConstantDescs.CD_MethodHandle;
import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_String;
import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DynamicConstantDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The two classes that implement an interface: one to read, {@code (Pool, offset, header)}, and one
 * to edit, over an {@link ObjectEdit}. They are hidden classes in the interface's package, so that
 * it may be as private as its owner likes, and reach the pool only through method handles that they
 * are given as constants: no way to the memory is public. A constant handle is compiled like a
 * call.
 */
final class Accessors {
  private static final ClassDesc POOL = Pool.class.describeConstable().orElseThrow();
  private static final String POOL_FIELD = "pool";
  private static final String OFFSET_FIELD = "offset";
  private static final String HEADER_FIELD = "header";
  private static final String EDIT_FIELD = "edit";

  private final Class<?> view;
  private final MethodHandle newView;
  private final MethodHandle pool;
  private final MethodHandle offset;
  private final MethodHandle header;
  private final Class<?> editor;
  private final MethodHandle newEdit;
  private final MethodHandle edit;

  private Accessors(MethodHandles.Lookup views, MethodHandles.Lookup edits)
      throws ReflectiveOperationException {
    this.view = views.lookupClass();
    this.newView =
        views
            .findConstructor(
                view, MethodType.methodType(void.class, Pool.class, long.class, long.class))
            .asType(MethodType.methodType(Object.class, Pool.class, long.class, long.class));
    this.pool = getter(views, POOL_FIELD, Pool.class);
    this.offset = getter(views, OFFSET_FIELD, long.class);
    this.header = getter(views, HEADER_FIELD, long.class);
    this.editor = edits.lookupClass();
    this.edit = getter(edits, EDIT_FIELD, Object.class);
    this.newEdit =
        edits
            .findConstructor(edits.lookupClass(), MethodType.methodType(void.class, Object.class))
            .asType(MethodType.methodType(Object.class, Object.class));
  }

  private static MethodHandle getter(MethodHandles.Lookup views, String field, Class<?> type)
      throws ReflectiveOperationException {
    return views
        .findGetter(views.lookupClass(), field, type)
        .asType(MethodType.methodType(type, Object.class));
  }

  static Accessors generate(ObjectType<?> type, Class<?> edit, MethodHandles.Lookup lookup) {
    Map<String, Method> setters = setters(type, edit);
    try {
      return new Accessors(
          new ViewWriter(type, lookup).define(),
          new EditWriter(type, edit, setters, lookup).define());
    } catch (IllegalAccessException e) {
      throw new IllegalArgumentException(
          "%s: pass MethodHandles.lookup() from the interface's own package, not %s"
              .formatted(type.type().getName(), lookup),
          e);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(type.type().getName(), e);
    }
  }

  /** The setters by name; each field must have one, and nothing else may be there. */
  private static Map<String, Method> setters(ObjectType<?> type, Class<?> edit) {
    Map<String, Method> setters = new HashMap<>();
    for (Method method : edit.getMethods()) {
      if (Modifier.isAbstract(method.getModifiers()) && method.getParameterCount() > 0) {
        ObjectField field =
            type.fields().stream()
                .filter(f -> f.name().equals(method.getName()))
                .findFirst()
                .orElse(null);
        boolean sound =
            field != null
                && method.getParameterCount() == 1
                && method.getParameterTypes()[0] == field.type()
                && (method.getReturnType() == void.class
                    || method.getReturnType().isAssignableFrom(edit));
        if (!sound) {
          throw new IllegalArgumentException(
              method + ": a setter has its field's name and type, and returns the edit interface");
        }
        if (setters.put(method.getName(), method) != null) {
          throw new IllegalArgumentException(method + ": declared twice; remove one");
        }
      }
    }
    for (ObjectField field : type.fields()) {
      if (!setters.containsKey(field.name())) {
        throw new IllegalArgumentException(
            "%s has no setter for %s(): declare %s %2$s(%s value)"
                .formatted(
                    edit.getName(),
                    field.name(),
                    edit.getSimpleName(),
                    field.type().getSimpleName()));
      }
    }
    return setters;
  }

  Class<?> view() {
    return view;
  }

  Object newView(Pool owner, long at, long identity) {
    try {
      return newView.invokeExact(owner, at, identity);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  Object newEdit(ObjectEdit edit) {
    try {
      return newEdit.invokeExact((Object) edit);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** What an edit view works on; null if the object is none of this type's. */
  ObjectEdit edit(Object object) {
    if (object.getClass() != editor) {
      return null;
    }
    try {
      return (ObjectEdit) (Object) edit.invokeExact(object);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  Pool pool(Object object) {
    try {
      return (Pool) pool.invokeExact(object);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  long offset(Object object) {
    try {
      return (long) offset.invokeExact(object);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  long header(Object object) {
    try {
      return (long) header.invokeExact(object);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static ClassDesc desc(Class<?> type) {
    return type.describeConstable().orElseThrow();
  }

  /** Writes a class, and collects the handles that it needs as constants. */
  private abstract static class Writer {
    final ObjectType<?> type;
    final ClassDesc self;
    private final Class<?> implemented;
    private final MethodHandles.Lookup lookup;
    private final List<MethodHandle> handles = new ArrayList<>();

    Writer(ObjectType<?> type, Class<?> implemented, String suffix, MethodHandles.Lookup lookup) {
      this.type = type;
      this.implemented = implemented;
      this.lookup = lookup;
      this.self =
          ClassDesc.of(lookup.lookupClass().getPackageName(), type.type().getSimpleName() + suffix);
    }

    abstract void write(ClassBuilder builder);

    MethodHandles.Lookup define() throws IllegalAccessException {
      byte[] bytes =
          ClassFile.of()
              .build(
                  self,
                  builder -> {
                    builder.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SUPER);
                    builder.withInterfaceSymbols(desc(implemented));
                    write(builder);
                  });
      return lookup.defineHiddenClassWithClassData(bytes, List.copyOf(handles), true);
    }

    /** Pushes a handle. */
    void constant(CodeBuilder code, MethodHandle handle) {
      handles.add(handle);
      code.loadConstant(
          DynamicConstantDesc.ofNamed(
              ConstantDescs.BSM_CLASS_DATA_AT, "_", CD_MethodHandle, handles.size() - 1));
    }

    /** Calls the handle under the arguments. */
    void call(CodeBuilder code, MethodHandle handle) {
      code.invokevirtual(
          CD_MethodHandle, "invokeExact", handle.type().describeConstable().orElseThrow());
    }

    /** Returns what a getter's handle returned, as the getter's type. */
    void returnValue(CodeBuilder code, ObjectField field) {
      if (field.isReference()) {
        code.checkcast(desc(field.type()));
      }
      code.return_(TypeKind.from(desc(field.type())));
    }

    void load(CodeBuilder code, String field, ClassDesc fieldType) {
      code.aload(0).getfield(self, field, fieldType);
    }
  }

  private static final class ViewWriter extends Writer {
    ViewWriter(ObjectType<?> type, MethodHandles.Lookup lookup) {
      super(type, type.type(), "$View", lookup);
    }

    @Override
    void write(ClassBuilder builder) {
      int fieldFlags = ClassFile.ACC_PRIVATE | ClassFile.ACC_FINAL;
      builder.withField(POOL_FIELD, POOL, fieldFlags);
      builder.withField(OFFSET_FIELD, CD_long, fieldFlags);
      builder.withField(HEADER_FIELD, CD_long, fieldFlags);
      builder.withMethodBody(
          ConstantDescs.INIT_NAME,
          MethodTypeDesc.of(CD_void, POOL, CD_long, CD_long),
          0,
          code ->
              code.aload(0)
                  .invokespecial(CD_Object, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                  .aload(0)
                  .aload(1)
                  .putfield(self, POOL_FIELD, POOL)
                  .aload(0)
                  .lload(2)
                  .putfield(self, OFFSET_FIELD, CD_long)
                  .aload(0)
                  .lload(4)
                  .putfield(self, HEADER_FIELD, CD_long)
                  .return_());
      for (ObjectField field : type.fields()) {
        getter(builder, field);
      }
      objectMethods(builder);
    }

    private void getter(ClassBuilder builder, ObjectField field) {
      MethodHandle handle = FieldAccess.getter(type, field);
      builder.withMethodBody(
          field.name(),
          MethodTypeDesc.of(desc(field.type())),
          ClassFile.ACC_PUBLIC,
          code -> {
            constant(code, handle);
            loadIdentity(code);
            code.loadConstant(field.offset());
            call(code, handle);
            returnValue(code, field);
          });
    }

    private void loadIdentity(CodeBuilder code) {
      load(code, POOL_FIELD, POOL);
      load(code, OFFSET_FIELD, CD_long);
      load(code, HEADER_FIELD, CD_long);
    }

    private void objectMethods(ClassBuilder builder) {
      MethodHandle equal =
          own("equal", boolean.class, Pool.class, long.class, long.class, Object.class);
      builder.withMethodBody(
          "equals",
          MethodTypeDesc.of(CD_boolean, CD_Object),
          ClassFile.ACC_PUBLIC,
          code -> {
            constant(code, equal);
            loadIdentity(code);
            code.aload(1);
            call(code, equal);
            code.ireturn();
          });
      builder.withMethodBody(
          "hashCode",
          MethodTypeDesc.of(CD_int),
          ClassFile.ACC_PUBLIC,
          code -> {
            load(code, OFFSET_FIELD, CD_long);
            code.invokestatic(desc(Long.class), "hashCode", MethodTypeDesc.of(CD_int, CD_long));
            code.ireturn();
          });
      MethodHandle describe = own("describe", String.class, Pool.class, long.class, long.class);
      builder.withMethodBody(
          "toString",
          MethodTypeDesc.of(CD_String),
          ClassFile.ACC_PUBLIC,
          code -> {
            constant(code, describe);
            loadIdentity(code);
            call(code, describe);
            code.areturn();
          });
    }

    private MethodHandle own(String name, Class<?> result, Class<?>... parameters) {
      try {
        return MethodHandles.lookup()
            .findVirtual(ObjectType.class, name, MethodType.methodType(result, parameters))
            .bindTo(type);
      } catch (ReflectiveOperationException e) {
        throw new LinkageError(name, e);
      }
    }
  }

  private static final class EditWriter extends Writer {
    private final Map<String, Method> setters;

    EditWriter(
        ObjectType<?> type,
        Class<?> edit,
        Map<String, Method> setters,
        MethodHandles.Lookup lookup) {
      super(type, edit, "$Edit", lookup);
      this.setters = setters;
    }

    @Override
    void write(ClassBuilder builder) {
      builder.withField(EDIT_FIELD, CD_Object, ClassFile.ACC_PRIVATE | ClassFile.ACC_FINAL);
      builder.withMethodBody(
          ConstantDescs.INIT_NAME,
          MethodTypeDesc.of(CD_void, CD_Object),
          0,
          code ->
              code.aload(0)
                  .invokespecial(CD_Object, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                  .aload(0)
                  .aload(1)
                  .putfield(self, EDIT_FIELD, CD_Object)
                  .return_());
      for (ObjectField field : type.fields()) {
        getter(builder, field);
        setter(builder, field, setters.get(field.name()));
      }
    }

    private void getter(ClassBuilder builder, ObjectField field) {
      MethodHandle handle = untyped(ObjectEdit.getter(type, field));
      builder.withMethodBody(
          field.name(),
          MethodTypeDesc.of(desc(field.type())),
          ClassFile.ACC_PUBLIC,
          code -> {
            constant(code, handle);
            load(code, EDIT_FIELD, CD_Object);
            code.loadConstant(field.offset());
            call(code, handle);
            returnValue(code, field);
          });
    }

    private void setter(ClassBuilder builder, ObjectField field, Method method) {
      MethodHandle handle = untyped(ObjectEdit.setter(type, field));
      ClassDesc result = desc(method.getReturnType());
      builder.withMethodBody(
          field.name(),
          MethodTypeDesc.of(result, desc(field.type())),
          ClassFile.ACC_PUBLIC,
          code -> {
            constant(code, handle);
            load(code, EDIT_FIELD, CD_Object);
            code.loadConstant(field.offset());
            code.loadLocal(TypeKind.from(desc(field.type())), 1);
            call(code, handle);
            if (method.getReturnType() == void.class) {
              code.return_();
            } else {
              code.aload(0).areturn();
            }
          });
    }

    /** The class does not know ObjectEdit, which is not public. */
    private static MethodHandle untyped(MethodHandle handle) {
      return handle.asType(handle.type().changeParameterType(0, Object.class));
    }
  }
}
