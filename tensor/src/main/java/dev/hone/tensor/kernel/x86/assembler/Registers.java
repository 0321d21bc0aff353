package dev.hone.tensor.kernel.x86.assembler;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Hands out a kernel's registers by name, so that no two names ever share one. */
public final class Registers {
  /** Arguments of a function, in order. System V ABI for AMD64, 3.2.3. */
  public static final List<Gpr> ARGUMENTS =
      List.of(Gpr.RDI, Gpr.RSI, Gpr.RDX, Gpr.RCX, Gpr.R8, Gpr.R9);

  /** Those a function must give back as it found them. The same, figure 3.4. */
  public static final List<Gpr> PRESERVED =
      List.of(Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15);

  private final Width width;
  private final Deque<Gpr> freeGprs = new ArrayDeque<>(List.of(Gpr.RAX, Gpr.R10, Gpr.R11));
  private final Deque<Integer> freeVecs = new ArrayDeque<>();
  private final Map<String, Object> names = new LinkedHashMap<>();
  private int arguments;

  public Registers(Width width) {
    this.width = width;
    IntStream.range(0, width.registers()).forEach(freeVecs::add);
    freeGprs.addAll(PRESERVED);
  }

  /** The register of the next argument. */
  public Gpr argument(String name) {
    return named(name, ARGUMENTS.get(arguments++));
  }

  /** A register for 64 bits; those that need not be preserved come first. */
  public Gpr gpr(String name) {
    if (freeGprs.isEmpty()) {
      throw new IllegalStateException("no register left for " + name + ": " + names);
    }
    return named(name, freeGprs.pop());
  }

  public Vec vec(String name) {
    if (freeVecs.isEmpty()) {
      throw new IllegalStateException("no vector register left for " + name + ": " + names);
    }
    return named(name, new Vec(width, freeVecs.pop()));
  }

  /** Vector registers that are not handed out. */
  public int vecsLeft() {
    return freeVecs.size();
  }

  /** Vectors {@code name 0 .. name count-1}. */
  public Vec[] vecs(String name, int count) {
    return IntStream.range(0, count).mapToObj(i -> vec(name + ' ' + i)).toArray(Vec[]::new);
  }

  /** The same register under another name, once what it held is not needed any more. */
  public Gpr renamed(Gpr register, String name) {
    names.values().remove(register);
    return named(name, register);
  }

  /** Those of {@link #PRESERVED} that have been handed out. */
  public Stream<Gpr> toPreserve() {
    return PRESERVED.stream().filter(names::containsValue);
  }

  private <R> R named(String name, R register) {
    if (names.put(name, register) != null) {
      throw new IllegalStateException("two registers called " + name);
    }
    return register;
  }
}
