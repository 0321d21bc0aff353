package dev.hone.tensor.kernel.vector;

import dev.hone.tensor.kernel.LimitLoops;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.Set;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops by the Vector API. It has no dot product of bytes: the most that it can do with them is
 * to multiply and add words that they were widened to.
 *
 * <p>Sums stand in variables of their own, since those in an array would go through memory.
 */
public final class VectorLimits implements LimitLoops {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> WORDS = ShortVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_PREFERRED;

  /** Independent sums. */
  private static final int CHAINS = 10;

  private static final int STEP = 256;

  /** Read by nobody; written, so that no sum is left out. */
  private volatile long sink;

  @Override
  public Set<Peak> peaks() {
    return EnumSet.of(Peak.F32, Peak.INT8);
  }

  @Override
  public long operations(Peak peak, int rounds) {
    return switch (peak) {
      case F32 -> multiplyAdd(rounds);
      case INT8 -> integerDot(rounds);
      case BF16, BF16_TILES, INT8_TILES ->
          throw new IllegalArgumentException("the Vector API has no " + peak.label());
    };
  }

  private long multiplyAdd(int rounds) {
    FloatVector factor = FloatVector.broadcast(FLOATS, sink == 1 ? 1 : 0.5f);
    FloatVector s0 = factor;
    FloatVector s1 = factor;
    FloatVector s2 = factor;
    FloatVector s3 = factor;
    FloatVector s4 = factor;
    FloatVector s5 = factor;
    FloatVector s6 = factor;
    FloatVector s7 = factor;
    FloatVector s8 = factor;
    FloatVector s9 = factor;
    for (int i = 0; i < rounds; i++) {
      s0 = factor.fma(factor, s0);
      s1 = factor.fma(factor, s1);
      s2 = factor.fma(factor, s2);
      s3 = factor.fma(factor, s3);
      s4 = factor.fma(factor, s4);
      s5 = factor.fma(factor, s5);
      s6 = factor.fma(factor, s6);
      s7 = factor.fma(factor, s7);
      s8 = factor.fma(factor, s8);
      s9 = factor.fma(factor, s9);
    }
    FloatVector all = s0.add(s1).add(s2).add(s3).add(s4).add(s5).add(s6).add(s7).add(s8).add(s9);
    sink = Float.floatToRawIntBits(all.lane(0));
    return 2L * CHAINS * FLOATS.length() * rounds;
  }

  private long integerDot(int rounds) {
    ShortVector factor = ShortVector.broadcast(WORDS, (short) (sink == 1 ? 2 : 3));
    ShortVector s0 = factor;
    ShortVector s1 = factor;
    ShortVector s2 = factor;
    ShortVector s3 = factor;
    ShortVector s4 = factor;
    ShortVector s5 = factor;
    ShortVector s6 = factor;
    ShortVector s7 = factor;
    ShortVector s8 = factor;
    ShortVector s9 = factor;
    for (int i = 0; i < rounds; i++) { // the factor of a product is its sum: none is the same twice
      s0 = s0.mul(factor).add(factor);
      s1 = s1.mul(factor).add(factor);
      s2 = s2.mul(factor).add(factor);
      s3 = s3.mul(factor).add(factor);
      s4 = s4.mul(factor).add(factor);
      s5 = s5.mul(factor).add(factor);
      s6 = s6.mul(factor).add(factor);
      s7 = s7.mul(factor).add(factor);
      s8 = s8.mul(factor).add(factor);
      s9 = s9.mul(factor).add(factor);
    }
    ShortVector all = s0.add(s1).add(s2).add(s3).add(s4).add(s5).add(s6).add(s7).add(s8).add(s9);
    sink = all.lane(0);
    return 2L * CHAINS * WORDS.length() * rounds;
  }

  @Override
  public long read(MemorySegment segment) {
    long end = segment.byteSize() / STEP * STEP;
    int width = BYTES.length();
    ByteOrder order = ByteOrder.nativeOrder();
    ByteVector a = ByteVector.zero(BYTES);
    ByteVector b = a;
    ByteVector c = a;
    ByteVector d = a;
    for (long at = 0; at < end; at += 4L * width) { // 256 is a multiple of every 4 vectors
      a = a.or(ByteVector.fromMemorySegment(BYTES, segment, at, order));
      b = b.or(ByteVector.fromMemorySegment(BYTES, segment, at + width, order));
      c = c.or(ByteVector.fromMemorySegment(BYTES, segment, at + 2L * width, order));
      d = d.or(ByteVector.fromMemorySegment(BYTES, segment, at + 3L * width, order));
    }
    sink = a.or(b).or(c.or(d)).lane(0);
    return end;
  }
}
