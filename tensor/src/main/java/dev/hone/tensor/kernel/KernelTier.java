package dev.hone.tensor.kernel;

import dev.hone.tensor.kernel.scalar.ScalarKernels;
import dev.hone.tensor.kernel.vector.VectorKernels;
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
  VECTOR;

  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  /**
   * The tier that runs, why, and one line for each thing that makes it slower than this CPU allows.
   */
  public record Selection(KernelTier tier, String reason, List<String> warnings) {}

  /**
   * {@code asked} where it can run, else an error; where nothing is asked, the fastest that can
   * run.
   */
  public static Selection select(Optional<KernelTier> asked) {
    return select(
        asked, ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent(), Processor.here());
  }

  static Selection select(Optional<KernelTier> asked, boolean vectorModule, Processor processor) {
    List<String> warnings = new ArrayList<>(processor.virtualMachineWarnings());
    KernelTier tier = asked.orElse(vectorModule ? VECTOR : SCALAR);
    if (tier == VECTOR && !vectorModule) {
      throw new IllegalArgumentException(
          "the vector kernels need the module "
              + VECTOR_MODULE
              + ": start java with --add-modules "
              + VECTOR_MODULE);
    }
    String reason;
    if (asked.isPresent()) {
      reason = "asked for";
    } else if (vectorModule) {
      reason = "the fastest there is";
    } else {
      reason = "module " + VECTOR_MODULE + " is missing";
      warnings.add(
          "slow scalar kernels: module "
              + VECTOR_MODULE
              + " is missing; start java with --add-modules "
              + VECTOR_MODULE);
    }
    if (tier == VECTOR) {
      int bits = Processor.preferredVectorBits();
      reason += ", vectors of " + bits + " bits";
      warnings.addAll(processor.widthWarnings(bits));
    }
    return new Selection(tier, reason, List.copyOf(warnings));
  }

  public Kernels create(ComputePool pool) {
    return switch (this) {
      case SCALAR -> new ScalarKernels(pool);
      case VECTOR -> new VectorKernels(pool);
    };
  }

  /** The name that options and reports use: {@code scalar}, {@code vector}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
