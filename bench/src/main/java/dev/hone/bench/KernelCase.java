package dev.hone.bench;

import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.LimitLoops.Peak;
import java.util.Optional;

/**
 * One thing to time, with what it asks of the machine.
 *
 * @param name as figures and {@code --only} call it
 * @param peak what its operations are held against; none where that is not measured
 * @param operations of one run; a multiply-add is two
 * @param bytes of weights that one run reads; 0 where they come from a cache
 * @param fileBytes of those weights as a file has them
 * @param runs that are timed together
 */
record KernelCase(
    String name,
    Optional<Peak> peak,
    double operations,
    double bytes,
    double fileBytes,
    int runs,
    Body body) {

  /** Runs it, on the threads of the kernels given. */
  interface Body {
    void run(Kernels kernels);
  }
}
