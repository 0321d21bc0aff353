package dev.hone.tensor.kernel;

import dev.hone.tensor.kernel.scalar.ScalarKernels;
import dev.hone.tensor.parallel.ComputePool;
import java.util.List;
import java.util.Optional;

/** The kernels there are, slowest first, and the choice between them. */
public enum KernelTier {
  /** Plain loops: the specification. */
  SCALAR;

  /** The tier that runs, why, and one line for each thing that makes it slower than this CPU allows. */
  public record Selection(KernelTier tier, String reason, List<String> warnings) {}

  /** {@code asked} where it can run, else an error; where nothing is asked, the fastest that can run. */
  public static Selection select(Optional<KernelTier> asked) {
    return new Selection(SCALAR, "the only tier there is", List.of());
  }

  public Kernels create(ComputePool pool) {
    return switch (this) {
      case SCALAR -> new ScalarKernels(pool);
    };
  }
}
