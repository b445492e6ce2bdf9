// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The compiled classes of all modules, and what their constant pools refer to. */
final class ClassFiles {
  private static final Path ROOT = Path.of("..");
  private static final Pattern MODULE = Pattern.compile("<module>(.*?)</module>");
  private static final Pattern OURS = Pattern.compile("io/holdfast/((?:[a-z]+/)+)[A-Z]");

  private ClassFiles() {}

  /**
   * A class, as its class file has it.
   *
   * @param name its name, as in Java source
   * @param texts all texts in it: names, descriptors, string literals
   * @param members all fields and methods it refers to, as owner.name
   */
  record Compiled(String name, Set<String> texts, Set<String> members) {
    /** Its package below io.holdfast, with points. */
    String part() {
      return name.substring("io.holdfast.".length(), name.lastIndexOf('.'));
    }

    /** The packages below io.holdfast that it refers to. */
    Set<String> uses() {
      Set<String> parts = new TreeSet<>();
      for (String text : texts) {
        for (Matcher ours = OURS.matcher(text); ours.find(); ) {
          parts.add(ours.group(1).replaceAll("/$", "").replace('/', '.'));
        }
      }
      return parts;
    }
  }

  /** The modules that the build has, so that none can be forgotten here. */
  static List<String> modules() throws IOException {
    return MODULE
        .matcher(Files.readString(ROOT.resolve("pom.xml")))
        .results()
        .map(module -> module.group(1))
        .toList();
  }

  static List<Compiled> of(String module) throws IOException {
    Path classes = ROOT.resolve(module).resolve("target/classes");
    List<Compiled> compiled = new ArrayList<>();
    try (Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(ClassFiles::isClass).toList()) {
        compiled.add(read(Files.readAllBytes(file)));
      }
    }
    return compiled;
  }

  private static boolean isClass(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith(".class") && !name.equals("module-info.class");
  }

  static Compiled of(Class<?> type) throws IOException {
    String file = "/" + type.getName().replace('.', '/') + ".class";
    try (InputStream in = type.getResourceAsStream(file)) {
      return read(in.readAllBytes());
    }
  }

  private static Compiled read(byte[] bytes) {
    ClassModel model = ClassFile.of().parse(bytes);
    Set<String> texts = new TreeSet<>();
    Set<String> members = new TreeSet<>();
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof Utf8Entry text) {
        texts.add(text.stringValue());
      } else if (entry instanceof MemberRefEntry member) {
        members.add(member.owner().asInternalName() + "." + member.name().stringValue());
      }
    }
    return new Compiled(model.thisClass().asInternalName().replace('/', '.'), texts, members);
  }
}
