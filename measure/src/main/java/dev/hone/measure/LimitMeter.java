package dev.hone.measure;

import dev.hone.tensor.LargePages;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.LimitLoops;
import dev.hone.tensor.kernel.LimitLoops.Peak;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntToLongFunction;

/**
 * What this machine can do at most on all threads of a pool: each call measures once, some
 * milliseconds, so that it can take turns with what is compared with it.
 */
public final class LimitMeter {
  /** Some milliseconds of multiplications. */
  private static final int ROUNDS = 1_000_000;

  /** The same of tiles. */
  private static final int TILE_ROUNDS = 100_000;

  /** Pieces of memory, so that no thread waits long for another. */
  private static final int PARTS = 64;

  /** Past every cache. */
  static final long BYTES = 256L << 20;

  private final LimitLoops loops;
  private final ComputePool pool;
  private final MemorySegment memory;

  /**
   * @param arena of the memory that is read, 256 MiB
   * @throws IllegalStateException where limits cannot be measured
   */
  public LimitMeter(ComputePool pool, Arena arena) {
    this.loops = KernelTier.limits();
    this.pool = pool;
    this.memory = LargePages.allocate(arena, BYTES);
    memory.fill((byte) 1); // pages that were never written to are all the same one
  }

  /** What can be measured here. */
  public Set<Peak> peaks() {
    return loops.peaks();
  }

  /** Numbers multiplied and added, in operations per second. */
  public double operations(Peak peak) {
    int rounds = peak.tiles() ? TILE_ROUNDS : ROUNDS;
    return perSecond(pool.threads(), _ -> loops.operations(peak, rounds));
  }

  /** Memory read, in bytes per second. */
  public double readBytes() {
    long each = BYTES / PARTS;
    return perSecond(PARTS, part -> loops.read(memory.asSlice(part * each, each)));
  }

  private double perSecond(int tasks, IntToLongFunction task) {
    AtomicLong amount = new AtomicLong();
    long start = System.nanoTime();
    pool.run(tasks, i -> amount.addAndGet(task.applyAsLong(i)));
    return amount.get() * 1e9 / (System.nanoTime() - start);
  }
}
