package dev.hone.bench;

import dev.hone.tensor.kernel.Kernels;

/**
 * One thing to time, with what it asks of the machine.
 *
 * @param name as figures and {@code --only} call it
 * @param bound which peak its operations are held against
 * @param operations of one run; a multiply-add is two
 * @param bytes of weights that one run reads; 0 where they come from a cache
 * @param fileBytes of those weights as a file has them
 * @param runs that are timed together
 */
record KernelCase(
    String name,
    Bound bound,
    double operations,
    double bytes,
    double fileBytes,
    int runs,
    Body body) {

  /** What operations are at most limited by. */
  enum Bound {
    FLOATS,
    INTEGERS,
    /** Operations that no peak is measured for. */
    NONE
  }

  /** Runs it, on the threads of the kernels given. */
  interface Body {
    void run(Kernels kernels);
  }
}
