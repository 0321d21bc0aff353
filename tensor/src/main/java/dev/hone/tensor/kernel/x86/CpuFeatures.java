package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Set;

/**
 * What the processor can do and the system lets it do, by the instructions CPUID and XGETBV. Intel
 * 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapters 14 and 15.
 */
final class CpuFeatures {
  /** Groups of instructions that kernels are written with. */
  enum Feature {
    /** Vectors of 256 bits, fused multiply-add and conversion of halves. */
    AVX2_FMA,
    /** AVX-512 F, BW, DQ and VL. */
    AVX512,
    /** Integer dot products in vectors of 512 bits. */
    AVX512_VNNI,
    /** Integer dot products in vectors of 256 bits, encoded by VEX. */
    AVX_VNNI,
    AVX512_BF16,
    AMX_INT8,
    AMX_BF16
  }

  /** State that the system keeps of each thread: bits of the register XCR0. */
  private static final long AVX_STATE = 0x6;

  private static final long AVX512_STATE = 0xE6;
  private static final long TILE_STATE = 0x60000;

  private CpuFeatures() {}

  /**
   * Asks the processor.
   *
   * @throws CodeMemory.RefusedException where no code can be made
   */
  static Set<Feature> detect() {
    Set<Feature> features = EnumSet.noneOf(Feature.class);
    MemorySegment cpuid = CodeMemory.install(cpuidCode());
    Leaf first = Leaf.ask(cpuid, 0, 0);
    Leaf basic = Leaf.ask(cpuid, 1, 0);
    if (first.eax() < 7 || !basic.ecx(27)) { // without OSXSAVE there is no XGETBV
      return features;
    }
    long state = enabledState();
    Leaf extended = Leaf.ask(cpuid, 7, 0);
    Leaf more = extended.eax() >= 1 ? Leaf.ask(cpuid, 7, 1) : new Leaf(0, 0, 0, 0);
    boolean avx2 = extended.ebx(5) && basic.ecx(12) && basic.ecx(29); // FMA, F16C
    boolean avx512 = extended.ebx(16) && extended.ebx(17) && extended.ebx(30) && extended.ebx(31);
    if (avx2 && (state & AVX_STATE) == AVX_STATE) {
      features.add(Feature.AVX2_FMA);
      add(features, Feature.AVX_VNNI, more.eax(4));
    }
    if (avx2 && avx512 && (state & AVX512_STATE) == AVX512_STATE) {
      features.add(Feature.AVX512);
      add(features, Feature.AVX512_VNNI, extended.ecx(11));
      add(features, Feature.AVX512_BF16, more.eax(5));
    }
    if (extended.edx(24) && (state & TILE_STATE) == TILE_STATE) {
      add(features, Feature.AMX_INT8, extended.edx(25));
      add(features, Feature.AMX_BF16, extended.edx(22));
    }
    return features;
  }

  private static void add(Set<Feature> features, Feature feature, boolean there) {
    if (there) {
      features.add(feature);
    }
  }

  private static long enabledState() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(Long.BYTES);
      call(CodeMemory.install(xgetbvCode()), 0, 0, out);
      return out.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  private record Leaf(int eax, int ebx, int ecx, int edx) {
    static Leaf ask(MemorySegment cpuid, int leaf, int subleaf) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment out = arena.allocate(4 * Long.BYTES, Long.BYTES);
        call(cpuid, leaf, subleaf, out);
        return new Leaf(register(out, 0), register(out, 1), register(out, 2), register(out, 3));
      }
    }

    private static int register(MemorySegment out, int index) {
      return (int) out.getAtIndex(ValueLayout.JAVA_LONG, index);
    }

    boolean eax(int bit) {
      return (eax >> bit & 1) == 1;
    }

    boolean ebx(int bit) {
      return (ebx >> bit & 1) == 1;
    }

    boolean ecx(int bit) {
      return (ecx >> bit & 1) == 1;
    }

    boolean edx(int bit) {
      return (edx >> bit & 1) == 1;
    }
  }

  private static void call(MemorySegment code, long leaf, long subleaf, MemorySegment out) {
    CodeMemory.call(code, leaf, subleaf, address(out));
  }

  /** {@code (leaf, subleaf, long[4] out)}: the four registers that CPUID answers in. */
  static Assembly cpuidCode() {
    Assembler asm = new Assembler();
    Gpr out = Gpr.R10;
    asm.push(Gpr.RBX);
    asm.mov(out, Gpr.RDX);
    asm.mov(Gpr.RAX, Gpr.RDI);
    asm.mov(Gpr.RCX, Gpr.RSI);
    asm.cpuid();
    asm.mov(Memory.at(out, 0), Gpr.RAX);
    asm.mov(Memory.at(out, 8), Gpr.RBX);
    asm.mov(Memory.at(out, 16), Gpr.RCX);
    asm.mov(Memory.at(out, 24), Gpr.RDX);
    asm.pop(Gpr.RBX);
    asm.ret();
    return asm.finish("cpuid");
  }

  /** {@code (register, unused, long[1] out)}: an extended control register. */
  static Assembly xgetbvCode() {
    Assembler asm = new Assembler();
    Gpr out = Gpr.R10;
    asm.mov(out, Gpr.RDX);
    asm.mov(Gpr.RCX, Gpr.RDI);
    asm.xgetbv();
    asm.shl(Gpr.RDX, 32);
    asm.or(Gpr.RAX, Gpr.RDX);
    asm.mov(Memory.at(out, 0), Gpr.RAX);
    asm.ret();
    return asm.finish("xgetbv");
  }
}
