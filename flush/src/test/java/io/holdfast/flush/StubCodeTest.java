// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.flush.StubCode.Cpuid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The machine code is what its assembly source says, and the best instruction is chosen. */
class StubCodeTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "true, true, true, clwb",
    "true, true, false, clflushopt",
    "true, false, false, clflush"
  })
  void x86_eachProcessor_bestInstruction(
      boolean clflush, boolean clflushopt, boolean clwb, String expected) {
    assertEquals(expected, StubCode.x86(new Cpuid(clflush, clflushopt, clwb, 64)).instruction());
  }

  @Test
  void x86_noWritebackInstruction_refused() {
    var none = new Cpuid(false, false, false, 64);
    var e = assertThrows(HoldfastException.DurabilityUnavailable.class, () -> StubCode.x86(none));
    assertEquals(
        "this processor names no writeback instruction with lines of 64 bytes: " + none,
        e.getMessage());
  }

  @Test
  void x86_otherLineSizeAndOnlyClflush_refused() {
    assertThrows(
        HoldfastException.DurabilityUnavailable.class,
        () -> StubCode.x86(new Cpuid(true, false, false, 128)));
  }

  @Test
  void cpuid_registers_decoded() {
    Cpuid cpu = Cpuid.of(8 << 8, 1 << 19, 1 << 23 | 1 << 24);
    assertEquals(new Cpuid(true, true, true, 64), cpu);
  }

  @ParameterizedTest
  @CsvSource({"true, true, clwb", "true, false, clflushopt", "false, false, clflush"})
  void x86_code_isTheAssembledSource(boolean clflushopt, boolean clwb, String instruction)
      throws Exception {
    String source = Files.readString(Path.of("src/test/asm/x86_64.s"));
    // clflush is one byte shorter; the code pads it with a segment prefix that means nothing.
    String mnemonic = instruction.equals("clflush") ? "ds clflush" : instruction;
    byte[] assembled = assemble("as", source.replace("clwb ", mnemonic + " "));
    byte[] code = StubCode.x86(new Cpuid(true, clflushopt, clwb, 64)).bytes();
    assertArrayEquals(Arrays.copyOf(assembled, code.length), code);
  }

  @ParameterizedTest
  @CsvSource({"0, 0xd50b7a20", "65536, 0xd50b7c20"})
  void aarch64_code_isTheAssembledSource(long capabilities, String cleanLine) throws Exception {
    String source = Files.readString(Path.of("src/test/asm/aarch64.s"));
    int opcode = Integer.parseUnsignedInt(cleanLine.substring(2), 16);
    for (int register : new int[] {0, 4, 8}) {
      source =
          source.replace(
              "dc    cvac, x" + register, ".inst 0x" + Integer.toHexString(opcode + register));
      source =
          source.replace(
              "dc   cvac, x" + register, ".inst 0x" + Integer.toHexString(opcode + register));
    }
    byte[] assembled = assemble("aarch64-linux-gnu-as", source);
    byte[] code = StubCode.aarch64(capabilities).bytes();
    assertArrayEquals(Arrays.copyOf(assembled, code.length), code);
  }

  /** The text section of a source; the test is skipped where this assembler is not installed. */
  private byte[] assemble(String assembler, String source) throws Exception {
    Path asm = Files.writeString(folder.resolve("stub.s"), source);
    Path object = folder.resolve("stub.o");
    Path binary = folder.resolve("stub.bin");
    String objcopy = assembler.replaceAll("as$", "objcopy");
    assumeTrue(installed(assembler) && installed(objcopy), assembler + " is not installed");
    run(List.of(assembler, "-o", object.toString(), asm.toString()));
    run(List.of(objcopy, "-O", "binary", "-j", ".text", object.toString(), binary.toString()));
    return Files.readAllBytes(binary);
  }

  private static boolean installed(String command) {
    for (String directory : System.getenv("PATH").split(":")) {
      if (Files.isExecutable(Path.of(directory, command))) {
        return true;
      }
    }
    return false;
  }

  private static void run(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).inheritIO().start();
    assertEquals(0, process.waitFor(), String.join(" ", command));
  }
}
