package dev.hone.tensor.kernel.x86.assembler;

import static dev.hone.tensor.kernel.x86.assembler.Encoding.sized;

/**
 * Writes x86-64 machine code, an instruction a method, named as the manual names it: only those
 * that the kernels use. Vectors of 128 and 256 bits are encoded by VEX, those of 512 by EVEX.
 *
 * <p>Every instruction is listed as a disassembler writes it; the tests hold the listing of each
 * kernel against what a disassembler reads from its bytes.
 *
 * <pre>
 *   VEX    C4 | ~R ~X ~B map     | W ~vvvv L prefix | opcode | modrm ...
 *   EVEX   62 | ~R ~X ~B ~R' map | W ~vvvv 1 prefix | z L'L b ~V' aaa | opcode | modrm ...
 * </pre>
 */
public final class Assembler {
  private static final Encoding VMOVUPS = Encoding.of("vmovups", 0, 1, 0x10);
  private static final Encoding VMOVUPS_STORE = Encoding.of("vmovups", 0, 1, 0x11);
  private static final Encoding VBROADCASTSS = Encoding.of("vbroadcastss", 1, 2, 0x18, 4);
  private static final Encoding VMASKMOVPS = Encoding.of("vmaskmovps", 1, 2, 0x2C);
  private static final Encoding VMASKMOVPS_STORE = Encoding.of("vmaskmovps", 1, 2, 0x2E);
  private static final Encoding VANDPS = Encoding.of("vandps", 0, 1, 0x54);
  private static final Encoding VANDNPS = Encoding.of("vandnps", 0, 1, 0x55);
  private static final Encoding VXORPS = Encoding.of("vxorps", 0, 1, 0x57);
  private static final Encoding VADDPS = Encoding.of("vaddps", 0, 1, 0x58);
  private static final Encoding VMULPS = Encoding.of("vmulps", 0, 1, 0x59);
  private static final Encoding VSUBPS = Encoding.of("vsubps", 0, 1, 0x5C);
  private static final Encoding VMINPS = Encoding.of("vminps", 0, 1, 0x5D);
  private static final Encoding VDIVPS = Encoding.of("vdivps", 0, 1, 0x5E);
  private static final Encoding VMAXPS = Encoding.of("vmaxps", 0, 1, 0x5F);
  private static final Encoding VSQRTPS = Encoding.of("vsqrtps", 0, 1, 0x51);
  private static final Encoding VFMADD213PS = Encoding.of("vfmadd213ps", 1, 2, 0xA8);
  private static final Encoding VFMADD231PS = Encoding.of("vfmadd231ps", 1, 2, 0xB8);
  private static final Encoding VCVTDQ2PS = Encoding.of("vcvtdq2ps", 0, 1, 0x5B);
  private static final Encoding VCVTPS2DQ = Encoding.of("vcvtps2dq", 1, 1, 0x5B);
  private static final Encoding VCVTPH2PS = Encoding.of("vcvtph2ps", 1, 2, 0x13, Encoding.HALF);
  private static final Encoding VPMOVSXBD = Encoding.of("vpmovsxbd", 1, 2, 0x21, Encoding.QUARTER);
  private static final Encoding VPMOVZXBD = Encoding.of("vpmovzxbd", 1, 2, 0x31, Encoding.QUARTER);
  private static final Encoding VPMOVSXBW = Encoding.of("vpmovsxbw", 1, 2, 0x20, Encoding.HALF);
  private static final Encoding VPMOVZXWD = Encoding.of("vpmovzxwd", 1, 2, 0x33, Encoding.HALF);
  private static final Encoding VPBROADCASTD = Encoding.of("vpbroadcastd", 1, 2, 0x58, 4);
  private static final Encoding VPMADDWD = Encoding.of("vpmaddwd", 1, 1, 0xF5);
  private static final Encoding VPMAXSD = Encoding.of("vpmaxsd", 1, 2, 0x3D);
  private static final Encoding VPMAXUD = Encoding.of("vpmaxud", 1, 2, 0x3F);
  private static final Encoding VPMADDUBSW = Encoding.of("vpmaddubsw", 1, 2, 0x04);
  private static final Encoding VPERMD = Encoding.of("vpermd", 1, 2, 0x36);
  private static final Encoding VPMULLD = Encoding.of("vpmulld", 1, 2, 0x40);
  private static final Encoding VPDPBUSD = Encoding.of("vpdpbusd", 1, 2, 0x50);
  private static final Encoding VPACKSSDW = Encoding.of("vpackssdw", 1, 1, 0x6B);
  private static final Encoding VPACKSSWB = Encoding.of("vpacksswb", 1, 1, 0x63);
  private static final Encoding VPACKUSWB = Encoding.of("vpackuswb", 1, 1, 0x67);
  private static final Encoding VPADDW = Encoding.of("vpaddw", 1, 1, 0xFD);
  private static final Encoding VPSUBW = Encoding.of("vpsubw", 1, 1, 0xF9);
  private static final Encoding VPSUBD = Encoding.of("vpsubd", 1, 1, 0xFA);
  private static final Encoding VPADDD = Encoding.of("vpaddd", 1, 1, 0xFE);
  private static final Encoding VPSLLD = Encoding.of("vpslld", 1, 1, 0x72);
  private static final Encoding VPSRLD = Encoding.of("vpsrld", 1, 1, 0x72);
  private static final Encoding VCMPNLTPS = Encoding.of("vcmpnltps", 0, 1, 0xC2);
  private static final Encoding VUNPCKLPS = Encoding.of("vunpcklps", 0, 1, 0x14);
  private static final Encoding VUNPCKHPS = Encoding.of("vunpckhps", 0, 1, 0x15);
  private static final Encoding VINSERTF128 = Encoding.of("vinsertf128", 1, 3, 0x18, 16);
  private static final Encoding VSHUFPS = Encoding.of("vshufps", 0, 1, 0xC6);
  private static final Encoding VPERM2F128 = Encoding.of("vperm2f128", 1, 3, 0x06);
  private static final Encoding VPERMQ = new Encoding("vpermq", 1, 3, 0x00, true, Encoding.WHOLE);
  private static final Encoding VSHUFF32X4 = Encoding.of("vshuff32x4", 1, 3, 0x23);
  private static final Encoding VREDUCEPS = Encoding.of("vreduceps", 1, 3, 0x56);
  private static final Encoding VSCALEFPS = Encoding.of("vscalefps", 1, 2, 0x2C);
  private static final Encoding VCVTNE2PS2BF16 = Encoding.of("vcvtne2ps2bf16", 3, 2, 0x72);
  private static final Encoding VDPBF16PS = Encoding.of("vdpbf16ps", 2, 2, 0x52);
  private static final Encoding VPERMW = new Encoding("vpermw", 1, 2, 0x8D, true, Encoding.WHOLE);
  private static final Encoding VEXPANDPS = Encoding.of("vexpandps", 1, 2, 0x88);
  private static final Encoding KMOVW = Encoding.of("kmovw", 0, 1, 0x92);
  private static final Encoding VMOVSS_STORE = Encoding.of("vmovss", 2, 1, 0x11, 4);
  private static final Encoding VMOVQ_STORE = Encoding.of("vmovq", 1, 1, 0xD6, 8);

  private static final Encoding LDTILECFG = Encoding.of("ldtilecfg", 0, 2, 0x49);
  private static final Encoding TILERELEASE = Encoding.of("tilerelease", 0, 2, 0x49);
  private static final Encoding TILEZERO = Encoding.of("tilezero", 3, 2, 0x49);
  private static final Encoding TILELOADD = Encoding.of("tileloadd", 3, 2, 0x4B);
  private static final Encoding TILESTORED = Encoding.of("tilestored", 2, 2, 0x4B);
  private static final Encoding TDPBF16PS = Encoding.of("tdpbf16ps", 2, 2, 0x5C);
  private static final Encoding TDPBUSD = Encoding.of("tdpbusd", 1, 2, 0x5E);

  /**
   * How VREDUCEPS rounds what it takes away: down, and tells nobody. Manual, volume 2, table 5-25.
   */
  private static final int DOWN = 9;

  /** Which comparison VCMPPS makes. Manual, volume 2, table 3-1. */
  private static final int NOT_LESS = 5;

  /** By EVEX: what the mask leaves out becomes zero. */
  private static final int ZEROS = 0x80;

  /** Denormals, in and out, are zero; all else as Java has it. Manual, volume 1, 10.2.3. */
  private static final int NO_DENORMALS = 0x9FC0;

  /** Where {@link #enter} keeps Java's own: in the red zone, for this code calls nothing. */
  private static final Memory CALLERS_MXCSR = Memory.at(Gpr.RSP, -8);

  private final CodeBuffer code = new CodeBuffer();

  // ---- a function

  /** Keeps what must be given back, and makes denormals zero. Overwrites {@code rax}. */
  public void enter(Registers registers) {
    registers.toPreserve().forEach(this::push);
    stmxcsr(CALLERS_MXCSR);
    lea(Gpr.RAX, constant(Float.intBitsToFloat(NO_DENORMALS)));
    ldmxcsr(Memory.at(Gpr.RAX, 0));
  }

  /** Where an argument past the sixth lies after {@link #enter}, counted from 0. */
  public static Memory stackArgument(Registers registers, int index) {
    int returnAddress = 1;
    int pushed = (int) registers.toPreserve().count();
    int before = pushed + returnAddress + index - Registers.ARGUMENTS.size();
    return Memory.at(Gpr.RSP, Long.BYTES * before);
  }

  public void leave(Registers registers) {
    ldmxcsr(CALLERS_MXCSR);
    vzeroupper();
    registers.toPreserve().toList().reversed().forEach(this::pop);
    ret();
  }

  /** Numbers to stand behind the code, where every vector is aligned. */
  public Label constant(float... values) {
    Label label = new Label();
    code.constant(label, values);
    return label;
  }

  /** The same at a label that has been used already. */
  public void constant(Label label, float... values) {
    code.constant(label, values);
  }

  public Assembly finish(String name) {
    return code.finish(name);
  }

  // ---- general purpose registers

  public void mov(Gpr to, Gpr from) {
    code.begin("mov", to, from);
    rex(from.number(), to, 0x89);
  }

  public void mov(Gpr to, int value) {
    code.begin("mov", to, value);
    rex(0, to, 0xC7);
    code.putInt(value);
  }

  public void mov(Gpr to, Memory from) {
    code.begin("mov", to, sized(from, 8));
    rex(to.number(), from, 0x8B);
  }

  public void mov(Memory to, Gpr from) {
    code.begin("mov", sized(to, 8), from);
    rex(from.number(), to, 0x89);
  }

  /** The lower 32 bits; the others become zero. */
  public void mov32(Gpr to, Memory from) {
    code.begin("mov", to.lower32(), sized(from, 4));
    rexOf(to.number(), from, false);
    code.put(0x8B);
    modrm(to.number(), from, 1);
  }

  /** The lower 32 bits. */
  public void mov32(Memory to, Gpr from) {
    code.begin("mov", sized(to, 4), from.lower32());
    rexOf(from.number(), to, false);
    code.put(0x89);
    modrm(from.number(), to, 1);
  }

  /** The lower 16 bits; the others become zero. */
  public void movzx16(Gpr to, Memory from) {
    code.begin("movzx", to.lower32(), sized(from, 2));
    rexOf(to.number(), from, false);
    code.put(0x0F).put(0xB7);
    modrm(to.number(), from, 1);
  }

  /** The lower 16 bits. */
  public void mov16(Memory to, Gpr from) {
    code.begin("mov", sized(to, 2), from.lower16());
    code.put(0x66);
    rexOf(from.number(), to, false);
    code.put(0x89);
    modrm(from.number(), to, 1);
  }

  public void lea(Gpr to, Memory from) {
    code.begin("lea", to, from);
    rex(to.number(), from, 0x8D);
  }

  /** The address of a place in the code, or of constants behind it. */
  public void lea(Gpr to, Label from) {
    code.begin("lea", to, from);
    code.put(0x48 | to.number() >> 3 << 2).put(0x8D).put(0x05 | (to.number() & 7) << 3);
    code.putDistance(from);
  }

  public void add(Gpr to, Gpr from) {
    code.begin("add", to, from);
    rex(from.number(), to, 0x01);
  }

  public void add(Gpr to, Memory from) {
    code.begin("add", to, sized(from, 8));
    rex(to.number(), from, 0x03);
  }

  public void sub(Gpr to, Gpr from) {
    code.begin("sub", to, from);
    rex(from.number(), to, 0x29);
  }

  public void sub(Gpr to, Memory from) {
    code.begin("sub", to, sized(from, 8));
    rex(to.number(), from, 0x2B);
  }

  public void cmp(Gpr a, Memory b) {
    code.begin("cmp", a, sized(b, 8));
    rex(a.number(), b, 0x3B);
  }

  public void or(Gpr to, Gpr from) {
    code.begin("or", to, from);
    rex(from.number(), to, 0x09);
  }

  public void add(Gpr to, int value) {
    code.begin("add", to, value);
    immediate(0, to, value);
  }

  public void sub(Gpr to, int value) {
    code.begin("sub", to, value);
    immediate(5, to, value);
  }

  public void and(Gpr to, int value) {
    code.begin("and", to, value);
    immediate(4, to, value);
  }

  /** Of the lower 32 bits; the others become zero. */
  public void and32(Gpr to, int value) {
    code.begin("and", to.lower32(), Integer.toUnsignedLong(value));
    rex32(4, to, 0x81);
    code.putInt(value);
  }

  /** Of the lower 32 bits; the others become zero. */
  public void xor32(Gpr to, int value) {
    code.begin("xor", to.lower32(), Integer.toUnsignedLong(value));
    rex32(6, to, 0x81);
    code.putInt(value);
  }

  /** Of the lower 32 bits; the others become zero. */
  public void shr32(Gpr to, int bits) {
    code.begin("shr", to.lower32(), bits);
    rex32(5, to, 0xC1);
    code.put(bits);
  }

  public void cmp(Gpr a, int value) {
    code.begin("cmp", a, value);
    immediate(7, a, value);
  }

  public void cmp(Gpr a, Gpr b) {
    code.begin("cmp", a, b);
    rex(b.number(), a, 0x39);
  }

  public void test(Gpr a, int value) {
    code.begin("test", a, value);
    rex(0, a, 0xF7);
    code.putInt(value);
  }

  public void test(Gpr a, Gpr b) {
    code.begin("test", a, b);
    rex(b.number(), a, 0x85);
  }

  public void shl(Gpr to, int bits) {
    code.begin("shl", to, bits);
    rex(4, to, 0xC1);
    code.put(bits);
  }

  public void neg(Gpr to) {
    code.begin("neg", to);
    rex(3, to, 0xF7);
  }

  /** How many of the lower 32 bits are set; the others become zero. */
  public void popcnt32(Gpr to, Gpr from) {
    code.begin("popcnt", to.lower32(), from.lower32());
    code.put(0xF3);
    if (to.number() > 7 || from.number() > 7) {
      code.put(0x40 | to.number() >> 3 << 2 | from.number() >> 3);
    }
    code.put(0x0F).put(0xB8).put(0xC0 | (to.number() & 7) << 3 | from.number() & 7);
  }

  public void push(Gpr register) {
    code.begin("push", register);
    stack(0x50, register);
  }

  public void pop(Gpr register) {
    code.begin("pop", register);
    stack(0x58, register);
  }

  public void ret() {
    code.begin("ret");
    code.put(0xC3);
  }

  public void cpuid() {
    code.begin("cpuid");
    code.put(0x0F).put(0xA2);
  }

  public void xgetbv() {
    code.begin("xgetbv");
    code.put(0x0F).put(0x01).put(0xD0);
  }

  public void stmxcsr(Memory to) {
    code.begin("stmxcsr", sized(to, 4));
    rexOf(3, to, false);
    code.put(0x0F).put(0xAE);
    modrm(3, to, 1);
  }

  public void ldmxcsr(Memory from) {
    code.begin("ldmxcsr", sized(from, 4));
    rexOf(2, from, false);
    code.put(0x0F).put(0xAE);
    modrm(2, from, 1);
  }

  /** Asks for a line of memory to be brought near. Any address will do. */
  public void prefetcht0(Memory from) {
    code.begin("prefetcht0", sized(from, 1));
    rexOf(1, from, false);
    code.put(0x0F).put(0x18);
    modrm(1, from, 1);
  }

  /** The same, to the second level of the cache. */
  public void prefetcht1(Memory from) {
    code.begin("prefetcht1", sized(from, 1));
    rexOf(2, from, false);
    code.put(0x0F).put(0x18);
    modrm(2, from, 1);
  }

  /** The same, near and to be written. */
  public void prefetchw(Memory to) {
    code.begin("prefetchw", sized(to, 1));
    rexOf(1, to, false);
    code.put(0x0F).put(0x0D);
    modrm(1, to, 1);
  }

  // ---- jumps

  public void bind(Label label) {
    code.bind(label);
  }

  public Label here() {
    Label label = new Label();
    code.bind(label);
    return label;
  }

  public void jmp(Label to) {
    code.begin("jmp", to);
    code.put(0xE9);
    code.putDistance(to);
  }

  /** Jumps if what was compared last was equal, or the result zero. */
  public void je(Label to) {
    code.begin("je", to);
    code.put(0x0F).put(0x84);
    code.putDistance(to);
  }

  public void jne(Label to) {
    code.begin("jne", to);
    code.put(0x0F).put(0x85);
    code.putDistance(to);
  }

  /** Jumps if it was less; numbers have signs. */
  public void jl(Label to) {
    code.begin("jl", to);
    code.put(0x0F).put(0x8C);
    code.putDistance(to);
  }

  public void jle(Label to) {
    code.begin("jle", to);
    code.put(0x0F).put(0x8E);
    code.putDistance(to);
  }

  public void jg(Label to) {
    code.begin("jg", to);
    code.put(0x0F).put(0x8F);
    code.putDistance(to);
  }

  public void jge(Label to) {
    code.begin("jge", to);
    code.put(0x0F).put(0x8D);
    code.putDistance(to);
  }

  // ---- vectors

  public void vzeroupper() {
    code.begin("vzeroupper");
    code.put(0xC5).put(0xF8).put(0x77);
  }

  public void vmovups(Vec to, Memory from) {
    two(VMOVUPS, to, from);
  }

  public void vmovups(Vec to, Vec from) {
    code.begin(VMOVUPS.mnemonic(), to, from);
    encode(VMOVUPS, to.width(), to.number(), 0, from);
  }

  public void vmovups(Memory to, Vec from) {
    code.begin("vmovups", sized(to, from.width().bytes()), from);
    encode(VMOVUPS_STORE, from.width(), from.number(), 0, to);
  }

  /** Zero where the mask's highest bits are not set; what lies there is not read. */
  public void vmaskmovps(Vec to, Vec mask, Memory from) {
    three(VMASKMOVPS, to, mask, from);
  }

  /** Writes where the mask's highest bits are set. */
  public void vmaskmovps(Memory to, Vec mask, Vec from) {
    code.begin("vmaskmovps", sized(to, from.width().bytes()), mask, from);
    encode(VMASKMOVPS_STORE, from.width(), from.number(), mask.number(), to);
  }

  /** The first number alone. */
  public void vmovss(Memory to, Vec from) {
    code.begin("vmovss", sized(to, 4), new Vec(Width.XMM, from.number()));
    encode(VMOVSS_STORE, Width.XMM, from.number(), 0, to);
  }

  /** The first 64 bits alone. */
  public void vmovq(Memory to, Vec from) {
    code.begin("vmovq", sized(to, 8), new Vec(Width.XMM, from.number()));
    encode(VMOVQ_STORE, Width.XMM, from.number(), 0, to);
  }

  public void vpbroadcastd(Vec to, Memory from) {
    two(VPBROADCASTD, to, from);
  }

  public void vbroadcastss(Vec to, Memory from) {
    two(VBROADCASTSS, to, from);
  }

  public void vandps(Vec to, Vec a, Operand b) {
    three(VANDPS, to, a, b);
  }

  /** {@code to} = what b has and a has not. */
  public void vandnps(Vec to, Vec a, Operand b) {
    three(VANDNPS, to, a, b);
  }

  public void vxorps(Vec to, Vec a, Operand b) {
    three(VXORPS, to, a, b);
  }

  public void vaddps(Vec to, Vec a, Operand b) {
    three(VADDPS, to, a, b);
  }

  public void vmulps(Vec to, Vec a, Operand b) {
    three(VMULPS, to, a, b);
  }

  /** {@code to = a - b}. */
  public void vsubps(Vec to, Vec a, Operand b) {
    three(VSUBPS, to, a, b);
  }

  /** {@code to = a / b}. */
  public void vdivps(Vec to, Vec a, Operand b) {
    three(VDIVPS, to, a, b);
  }

  /** The lesser; {@code b} where one of the two is not a number. */
  public void vminps(Vec to, Vec a, Operand b) {
    three(VMINPS, to, a, b);
  }

  /** The greater; {@code b} where one of the two is not a number. */
  public void vmaxps(Vec to, Vec a, Operand b) {
    three(VMAXPS, to, a, b);
  }

  public void vsqrtps(Vec to, Vec from) {
    code.begin(VSQRTPS.mnemonic(), to, from);
    encode(VSQRTPS, to.width(), to.number(), 0, from);
  }

  /** {@code to = a * to + b}. */
  public void vfmadd213ps(Vec to, Vec a, Operand b) {
    three(VFMADD213PS, to, a, b);
  }

  /** {@code to = a * b + to}. */
  public void vfmadd231ps(Vec to, Vec a, Operand b) {
    three(VFMADD231PS, to, a, b);
  }

  /** {@code to = a * b}, the low 32 bits of each product. */
  public void vpmulld(Vec to, Vec a, Operand b) {
    three(VPMULLD, to, a, b);
  }

  public void vpmaxsd(Vec to, Vec a, Operand b) {
    three(VPMAXSD, to, a, b);
  }

  public void vpmaxud(Vec to, Vec a, Operand b) {
    three(VPMAXUD, to, a, b);
  }

  /**
   * Pairs of products of bytes, unsigned in a and signed in b, added to words; what is beyond them
   * is clamped.
   */
  public void vpmaddubsw(Vec to, Vec a, Operand b) {
    three(VPMADDUBSW, to, a, b);
  }

  /** Words of 32 bits in the order that {@code order} names. */
  public void vpermd(Vec to, Vec order, Operand from) {
    three(VPERMD, to, order, from);
  }

  /** The same of words of 16 bits, in vectors of 512. */
  public void vpermw(Vec to, Vec order, Operand from) {
    three(VPERMW, to, order, from);
  }

  /** Products of 16 bits, added in pairs: {@code to[i] = a[2 i] b[2 i] + a[2 i + 1] b[2 i + 1]}. */
  public void vpmaddwd(Vec to, Vec a, Operand b) {
    three(VPMADDWD, to, a, b);
  }

  /**
   * Bytes without signs by bytes with, added in fours: {@code to[i] += Σ a[4 i + j] b[4 i + j]}.
   */
  public void vpdpbusd(Vec to, Vec a, Vec b) {
    String encoding = to.width() == Width.ZMM ? "" : "{vex} "; // for there is one by EVEX too
    code.begin(encoding + VPDPBUSD.mnemonic(), to, a, b);
    encode(VPDPBUSD, to.width(), to.number(), a.number(), b);
  }

  /** Words with signs from a and b, by turns of 128 bits; what is beyond them is clamped. */
  public void vpackssdw(Vec to, Vec a, Operand b) {
    three(VPACKSSDW, to, a, b);
  }

  /** The same from words of 16 bits to signed bytes. */
  public void vpacksswb(Vec to, Vec a, Operand b) {
    three(VPACKSSWB, to, a, b);
  }

  /** Bytes without signs from words, by turns of 128 bits; what is beyond them is clamped. */
  public void vpackuswb(Vec to, Vec a, Operand b) {
    three(VPACKUSWB, to, a, b);
  }

  /** All bits where not {@code a < b}. */
  public void vcmpnltps(Vec to, Vec a, Operand b) {
    three(VCMPNLTPS, to, a, b);
    code.put(NOT_LESS);
  }

  /** In every 128 bits, two numbers of a and two of b, by two bits of the order each. */
  public void vshufps(Vec to, Vec a, Vec b, int order) {
    four(VSHUFPS, to, a, b, order);
  }

  /** In every 128 bits the first two numbers of a and of b, by turns. */
  public void vunpcklps(Vec to, Vec a, Vec b) {
    three(VUNPCKLPS, to, a, b);
  }

  /** In every 128 bits the last two numbers of a and of b, by turns. */
  public void vunpckhps(Vec to, Vec a, Vec b) {
    three(VUNPCKHPS, to, a, b);
  }

  /** {@code a} with other numbers in its upper half. */
  public void vinsertf128(Vec to, Vec a, Memory upper) {
    code.begin(VINSERTF128.mnemonic(), to, a, sized(upper, 16), 1);
    encode(VINSERTF128, to.width(), to.number(), a.number(), upper);
    code.put(1);
  }

  /** Halves of a and b: 0x01 swaps those of a. */
  public void vperm2f128(Vec to, Vec a, Vec b, int halves) {
    four(VPERM2F128, to, a, b, halves);
  }

  /** Numbers of 64 bits in another order, two bits each. */
  public void vpermq(Vec to, Vec from, int order) {
    code.begin(VPERMQ.mnemonic(), to, from, order);
    encode(VPERMQ, to.width(), to.number(), 0, from);
    code.put(order);
  }

  public void vpaddw(Vec to, Vec a, Operand b) {
    three(VPADDW, to, a, b);
  }

  public void vpsubw(Vec to, Vec a, Operand b) {
    three(VPSUBW, to, a, b);
  }

  public void vpsubd(Vec to, Vec a, Operand b) {
    three(VPSUBD, to, a, b);
  }

  public void vpaddd(Vec to, Vec a, Operand b) {
    three(VPADDD, to, a, b);
  }

  public void vpslld(Vec to, Vec from, int bits) {
    shift(VPSLLD, 6, to, from, bits);
  }

  public void vpsrld(Vec to, Vec from, int bits) {
    shift(VPSRLD, 2, to, from, bits);
  }

  /** Floats of integers of 32 bits. */
  public void vcvtdq2ps(Vec to, Vec from) {
    code.begin(VCVTDQ2PS.mnemonic(), to, from);
    encode(VCVTDQ2PS, to.width(), to.number(), 0, from);
  }

  /** Floats of halves. */
  public void vcvtph2ps(Vec to, Memory from) {
    two(VCVTPH2PS, to, from);
  }

  /** BF16, to the nearest even: those of {@code low}, then those of {@code high}. */
  public void vcvtne2ps2bf16(Vec to, Vec high, Vec low) {
    three(VCVTNE2PS2BF16, to, high, low);
  }

  /**
   * BF16 by BF16, added in pairs, in vectors of 512: {@code to[i] += a[2 i] b[2 i] + a[2 i + 1] b[2
   * i + 1]}.
   */
  public void vdpbf16ps(Vec to, Vec a, Operand b) {
    three(VDPBF16PS, to, a, b);
  }

  /** Integers of 32 bits, to the nearest. */
  public void vcvtps2dq(Vec to, Vec from) {
    code.begin(VCVTPS2DQ.mnemonic(), to, from);
    encode(VCVTPS2DQ, to.width(), to.number(), 0, from);
  }

  /** Integers of 16 bits from bytes with signs. */
  public void vpmovsxbw(Vec to, Memory from) {
    two(VPMOVSXBW, to, from);
  }

  /** Integers of 32 bits from bytes with signs. */
  public void vpmovsxbd(Vec to, Memory from) {
    two(VPMOVSXBD, to, from);
  }

  /** Integers of 32 bits from bytes without. */
  public void vpmovzxbd(Vec to, Memory from) {
    two(VPMOVZXBD, to, from);
  }

  /** Integers of 32 bits from 16 without signs. */
  public void vpmovzxwd(Vec to, Memory from) {
    two(VPMOVZXWD, to, from);
  }

  /** Quarters of a ZMM in another order: two of a, then two of b, by two bits each. */
  public void vshuff32x4(Vec to, Vec a, Vec b, int order) {
    four(VSHUFF32X4, to, a, b, order);
  }

  /** What numbers are above the next whole number below; 0 of infinities. */
  public void vreduceps(Vec to, Vec from) {
    code.begin(VREDUCEPS.mnemonic(), to, from, DOWN);
    encode(VREDUCEPS, to.width(), to.number(), 0, from);
    code.put(DOWN);
  }

  /** {@code to = a 2^n}, n the next whole number below b. */
  public void vscalefps(Vec to, Vec a, Vec b) {
    three(VSCALEFPS, to, a, b);
  }

  /** The lower 16 bits. */
  public void kmovw(Opmask to, Gpr from) {
    code.begin(KMOVW.mnemonic(), to, from.lower32());
    encode(KMOVW, Width.XMM, to.number(), 0, new Vec(Width.XMM, from.number()));
  }

  /** The first numbers of a ZMM, one for each bit that is set, at the bits' places; else zeros. */
  public void vexpandps(Vec to, Opmask places, Vec from) {
    code.begin(VEXPANDPS.mnemonic(), to + "{" + places + "}{z}", from);
    encode(VEXPANDPS, Width.ZMM, to.number(), 0, from, ZEROS | places.number());
  }

  // ---- tiles

  /** What each tile's rows are: 64 bytes. Manual, volume 2, LDTILECFG. */
  public void ldtilecfg(Memory from) {
    code.begin(LDTILECFG.mnemonic(), from);
    encode(LDTILECFG, Width.XMM, 0, 0, from);
  }

  /** Gives the tiles' state up: the system need not keep it any longer. */
  public void tilerelease() {
    code.begin(TILERELEASE.mnemonic());
    encode(TILERELEASE, Width.XMM, 0, 0, new Vec(Width.XMM, 0));
  }

  public void tilezero(Tmm tile) {
    code.begin(TILEZERO.mnemonic(), tile);
    encode(TILEZERO, Width.XMM, tile.number(), 0, new Vec(Width.XMM, 0));
  }

  /** Rows as far apart as the address's index says. */
  public void tileloadd(Tmm to, Memory from) {
    code.begin(TILELOADD.mnemonic(), to, from);
    encode(TILELOADD, Width.XMM, to.number(), 0, from);
  }

  /** Rows as far apart as the address's index says. */
  public void tilestored(Memory to, Tmm from) {
    code.begin(TILESTORED.mnemonic(), to, from);
    encode(TILESTORED, Width.XMM, from.number(), 0, to);
  }

  /**
   * Bytes without signs by bytes with: {@code to[m, n] += Σ a[m, 4 k + j] b[k, 4 n + j]} in 32
   * bits.
   */
  public void tdpbusd(Tmm to, Tmm a, Tmm b) {
    code.begin(TDPBUSD.mnemonic(), to, a, b);
    encode(TDPBUSD, Width.XMM, to.number(), b.number(), new Vec(Width.XMM, a.number()));
  }

  /**
   * Floats of 16 bits, in pairs: {@code to[m, n] += Σ a[m, 2 k + j] b[k, 2 n + j]} in F32, where
   * what is denormal counts as zero.
   */
  public void tdpbf16ps(Tmm to, Tmm a, Tmm b) {
    code.begin(TDPBF16PS.mnemonic(), to, a, b);
    encode(TDPBF16PS, Width.XMM, to.number(), b.number(), new Vec(Width.XMM, a.number()));
  }

  // ---- encoding

  private void shift(Encoding encoding, int extension, Vec to, Vec from, int bits) {
    code.begin(encoding.mnemonic(), to, from, bits);
    encode(encoding, to.width(), extension, to.number(), from);
    code.put(bits);
  }

  private void four(Encoding encoding, Vec to, Vec a, Vec b, int value) {
    code.begin(encoding.mnemonic(), to, a, b, value);
    encode(encoding, to.width(), to.number(), a.number(), b);
    code.put(value);
  }

  private void two(Encoding encoding, Vec to, Memory from) {
    int bytes = encoding.memoryBytes(to.width());
    code.begin(encoding.mnemonic(), to, sized(from, bytes));
    encode(encoding, to.width(), to.number(), 0, from);
  }

  private void three(Encoding encoding, Vec to, Vec a, Operand b) {
    Object last = b instanceof Memory memory ? sized(memory, encoding.memoryBytes(to.width())) : b;
    code.begin(encoding.mnemonic(), to, a, last);
    encode(encoding, to.width(), to.number(), a.number(), b);
  }

  /**
   * @param reg the register in modrm, or the opcode's extension
   * @param vvvv the register in the prefix; 0 where there is none
   */
  private void encode(Encoding encoding, Width width, int reg, int vvvv, Operand rm) {
    encode(encoding, width, reg, vvvv, rm, 0);
  }

  /**
   * @param mask by EVEX: the mask's register, and {@link #ZEROS}
   */
  private void encode(Encoding encoding, Width width, int reg, int vvvv, Operand rm, int mask) {
    int base;
    int index;
    switch (rm) {
      case Vec vec -> {
        base = vec.number();
        index = vec.number() >> 1; // bit 3 of it becomes bit 4 of the register
      }
      case Memory memory -> {
        base = memory.base().number();
        index = memory.index() == null ? 0 : memory.index().number();
      }
    }
    int rxb = (~reg >> 3 & 1) << 7 | (~index >> 3 & 1) << 6 | (~base >> 3 & 1) << 5;
    int wvp = (encoding.wide() ? 0x80 : 0) | (~vvvv & 15) << 3 | encoding.prefix();
    if (width == Width.ZMM) {
      code.put(0x62).put(rxb | (~reg >> 4 & 1) << 4 | encoding.map());
      code.put(wvp | 4).put(2 << 5 | (~vvvv >> 4 & 1) << 3 | mask);
    } else {
      int noExtension = rm instanceof Vec ? 0x40 : 0; // VEX has no fifth bit for a register
      code.put(0xC4).put(rxb | noExtension | encoding.map());
      code.put(wvp | (width == Width.YMM ? 4 : 0));
    }
    code.put(encoding.opcode());
    switch (rm) {
      case Vec vec -> code.put(0xC0 | (reg & 7) << 3 | vec.number() & 7);
      case Memory memory ->
          modrm(reg, memory, width == Width.ZMM ? encoding.memoryBytes(width) : 1);
    }
  }

  private void immediate(int extension, Gpr to, int value) {
    boolean small = value == (byte) value;
    rex(extension, to, small ? 0x83 : 0x81);
    if (small) {
      code.put(value);
    } else {
      code.putInt(value);
    }
  }

  private void stack(int opcode, Gpr register) {
    if (register.number() > 7) {
      code.put(0x41);
    }
    code.put(opcode | register.number() & 7);
  }

  private void rex(int reg, Gpr rm, int opcode) {
    code.put(0x48 | reg >> 3 << 2 | rm.number() >> 3).put(opcode);
    code.put(0xC0 | (reg & 7) << 3 | rm.number() & 7);
  }

  private void rex32(int extension, Gpr rm, int opcode) {
    if (rm.number() > 7) {
      code.put(0x41);
    }
    code.put(opcode).put(0xC0 | extension << 3 | rm.number() & 7);
  }

  private void rex(int reg, Memory rm, int opcode) {
    rexOf(reg, rm, true);
    code.put(opcode);
    modrm(reg, rm, 1);
  }

  private void rexOf(int reg, Memory rm, boolean wide) {
    int index = rm.index() == null ? 0 : rm.index().number();
    int rex = (wide ? 8 : 0) | reg >> 3 << 2 | index >> 3 << 1 | rm.base().number() >> 3;
    if (rex != 0) {
      code.put(0x40 | rex);
    }
  }

  /**
   * Register and memory operand.
   *
   * @param unit bytes that a displacement of one byte counts in: 1 but for EVEX (manual, volume 2,
   *     2.7.5)
   */
  private void modrm(int reg, Memory memory, int unit) {
    int base = memory.base().number() & 7;
    int displacement = memory.displacement();
    boolean none = displacement == 0 && base != Gpr.RBP.number();
    boolean small = displacement % unit == 0 && displacement / unit == (byte) (displacement / unit);
    int mod = none ? 0 : small ? 1 : 2;
    boolean sib = memory.index() != null || base == Gpr.RSP.number();
    code.put(mod << 6 | (reg & 7) << 3 | (sib ? 4 : base));
    if (sib) {
      int index = memory.index() == null ? 4 : memory.index().number() & 7;
      code.put(Integer.numberOfTrailingZeros(memory.scale()) << 6 | index << 3 | base);
    }
    switch (mod) {
      case 1 -> code.put(displacement / unit);
      case 2 -> code.putInt(displacement);
      default -> {}
    }
  }
}
