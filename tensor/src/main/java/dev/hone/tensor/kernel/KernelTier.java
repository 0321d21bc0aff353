package dev.hone.tensor.kernel;

import dev.hone.tensor.kernel.scalar.ScalarKernels;
import dev.hone.tensor.kernel.vector.VectorKernels;
import dev.hone.tensor.kernel.vector.VectorLimits;
import dev.hone.tensor.kernel.x86.X86Kernels;
import dev.hone.tensor.kernel.x86.X86Limits;
import dev.hone.tensor.parallel.ComputePool;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The kernels there are, slowest first, and the choice between them. */
public enum KernelTier {
  /** Plain loops: the specification. */
  SCALAR,
  /** The Vector API. */
  VECTOR,
  /** Machine code that Java writes for this processor; what it lacks runs on the tier below. */
  ASSEMBLED;

  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  /**
   * The tier that runs, why, and one line for each thing that makes it slower than this CPU allows.
   */
  public record Selection(KernelTier tier, String reason, List<String> warnings) {}

  /** What can run here beside the scalar kernels. */
  record Ground(boolean vectorModule, X86Kernels.Availability assembled, Processor processor) {
    static Ground here() {
      return new Ground(hasVectorModule(), X86Kernels.availability(), Processor.here());
    }
  }

  /**
   * {@code asked} where it can run, else an error; where nothing is asked, the fastest that can
   * run.
   */
  public static Selection select(Optional<KernelTier> asked) {
    return select(asked, Ground.here());
  }

  static Selection select(Optional<KernelTier> asked, Ground ground) {
    asked.ifPresent(tier -> requireAvailable(tier, ground));
    KernelTier fastest =
        ground.assembled().available() ? ASSEMBLED : ground.vectorModule() ? VECTOR : SCALAR;
    KernelTier tier = asked.orElse(fastest);
    List<String> warnings = new ArrayList<>(ground.processor().virtualMachineWarnings());
    List<String> reasons = new ArrayList<>();
    reasons.add(asked.isPresent() ? "asked for" : "the fastest there is");
    if (tier == ASSEMBLED) {
      reasons.add("with " + ground.assembled().reason());
    } else if (asked.isEmpty()) {
      reasons.add("no assembled kernels: " + ground.assembled().reason());
    }
    if (tier != SCALAR && ground.vectorModule()) {
      int bits = Processor.preferredVectorBits();
      reasons.add("vectors of " + bits + " bits");
      warnings.addAll(ground.processor().widthWarnings(bits));
    }
    if (!ground.vectorModule() && asked.orElse(ASSEMBLED) != SCALAR) {
      warnings.add(
          "slow scalar kernels"
              + (tier == ASSEMBLED ? " for what is not assembled" : "")
              + ": module "
              + VECTOR_MODULE
              + " is missing; start java with --add-modules "
              + VECTOR_MODULE);
    }
    return new Selection(tier, String.join(", ", reasons), List.copyOf(warnings));
  }

  private static void requireAvailable(KernelTier tier, Ground ground) {
    if (tier == VECTOR && !ground.vectorModule()) {
      throw new IllegalArgumentException(
          "the vector kernels need the module "
              + VECTOR_MODULE
              + ": start java with --add-modules "
              + VECTOR_MODULE);
    }
    if (tier == ASSEMBLED && !ground.assembled().available()) {
      throw new IllegalArgumentException(
          "no assembled kernels: " + ground.assembled().reason() + "; ask for vector or scalar");
    }
  }

  private static boolean hasVectorModule() {
    return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
  }

  public Kernels create(ComputePool pool) {
    return switch (this) {
      case SCALAR -> new ScalarKernels(pool);
      case VECTOR -> new VectorKernels(pool);
      case ASSEMBLED -> new X86Kernels(pool, (hasVectorModule() ? VECTOR : SCALAR).create(pool));
    };
  }

  /**
   * The most that a thread can do here, by the fastest tier that can say so.
   *
   * @throws IllegalStateException where there are neither assembled kernels nor vectors
   */
  public static LimitLoops limits() {
    return switch (select(Optional.empty()).tier()) {
      case ASSEMBLED -> new X86Limits();
      case VECTOR -> new VectorLimits();
      case SCALAR ->
          throw new IllegalStateException(
              "limits are measured with vectors: start java with --add-modules " + VECTOR_MODULE);
    };
  }

  /** The name that options and reports use: {@code scalar}, {@code vector}, {@code assembled}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
