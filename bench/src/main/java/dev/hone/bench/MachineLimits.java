package dev.hone.bench;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** What this machine can do at most, measured in the same run as what is compared with it. */
final class MachineLimits {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();
  private static final int ROUNDS = 200_000;
  private static final long BYTES = 256L << 20; // past every cache

  private final ComputePool pool;
  private final MemorySegment memory;
  private final float[] sink;

  MachineLimits(ComputePool pool, Arena arena) {
    this.pool = pool;
    this.memory = arena.allocate(BYTES, Tensor.ALIGNMENT);
    this.sink = new float[pool.threads()];
  }

  /** Multiplications and additions of one call of {@link #multiplyAdd}, each counted as one. */
  long operations() {
    return 2L * 10 * LANES * ROUNDS * pool.threads();
  }

  /** Ten independent chains of FMA a thread: two units of latency four or five are kept busy. */
  void multiplyAdd() {
    pool.run(pool.threads(), t -> sink[t] = chains());
  }

  private static float chains() {
    FloatVector x = FloatVector.broadcast(FLOATS, 0.999f);
    FloatVector y = FloatVector.broadcast(FLOATS, 1e-3f);
    FloatVector a = y;
    FloatVector b = y;
    FloatVector c = y;
    FloatVector d = y;
    FloatVector e = y;
    FloatVector f = y;
    FloatVector g = y;
    FloatVector h = y;
    FloatVector i = y;
    FloatVector j = y;
    for (int round = 0; round < ROUNDS; round++) {
      a = a.fma(x, y);
      b = b.fma(x, y);
      c = c.fma(x, y);
      d = d.fma(x, y);
      e = e.fma(x, y);
      f = f.fma(x, y);
      g = g.fma(x, y);
      h = h.fma(x, y);
      i = i.fma(x, y);
      j = j.fma(x, y);
    }
    FloatVector sum = a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j);
    return sum.reduceLanes(VectorOperators.ADD);
  }

  long bytes() {
    return BYTES;
  }

  /** Reads {@link #bytes} once. */
  void read() {
    int parts = 64;
    pool.run(parts, part -> sink[0] = sum(part * (BYTES / parts), (int) (BYTES / parts / 4)));
  }

  private float sum(long at, int count) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = a;
    for (int i = 0; i < count; i += 2 * LANES) {
      a = a.add(FloatVector.fromMemorySegment(FLOATS, memory, at + i * 4L, ORDER));
      b = b.add(FloatVector.fromMemorySegment(FLOATS, memory, at + i * 4L + LANES * 4L, ORDER));
    }
    return a.add(b).reduceLanes(VectorOperators.ADD);
  }

  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
}
