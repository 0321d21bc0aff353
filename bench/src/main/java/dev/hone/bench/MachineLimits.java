package dev.hone.bench;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.x86.X86Limits;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What this machine can do at most, measured in the same run as what is compared with it. Needs the
 * assembled tier.
 */
final class MachineLimits {
  private static final int ROUNDS = 400_000;
  private static final int PARTS = 64;
  private static final long BYTES = 256L << 20; // past every cache

  private final X86Limits limits = new X86Limits();
  private final ComputePool pool;
  private final MemorySegment memory;
  private final long operations;

  MachineLimits(ComputePool pool, Arena arena) {
    this.pool = pool;
    this.memory = arena.allocate(BYTES, Tensor.ALIGNMENT);
    this.operations = limits.multiplyAdd(ROUNDS) * pool.threads();
  }

  /** Multiplications and additions of one call of {@link #multiplyAdd}, each counted as one. */
  long operations() {
    return operations;
  }

  void multiplyAdd() {
    pool.run(pool.threads(), _ -> limits.multiplyAdd(ROUNDS));
  }

  long bytes() {
    return BYTES;
  }

  /** Reads {@link #bytes} once. */
  void read() {
    long each = BYTES / PARTS;
    pool.run(PARTS, part -> limits.read(memory.asSlice(part * each, each)));
  }
}
