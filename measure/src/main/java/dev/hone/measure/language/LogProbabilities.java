package dev.hone.measure.language;

import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * One row of logits as the logarithms of probabilities: {@code log p(i) = l(i) - log sum exp l}.
 *
 * @param logits [entry] in F32
 * @param normalizer {@code log sum exp l}
 */
public record LogProbabilities(MemorySegment logits, double normalizer) {

  public static LogProbabilities of(Tensor rows, long row) {
    MemorySegment logits = rows.row(row);
    float largest = logits.getAtIndex(Tensor.FLOAT, largest(logits));
    double sum = 0;
    for (long i = 0; i < rows.cols(); i++) {
      sum += Math.exp(logits.getAtIndex(Tensor.FLOAT, i) - largest);
    }
    return new LogProbabilities(logits, largest + Math.log(sum));
  }

  /** The logarithm of an entry's probability. */
  public double of(long entry) {
    return logits.getAtIndex(Tensor.FLOAT, entry) - normalizer;
  }

  /** The likeliest entry; the first of equals. */
  public long likeliest() {
    return largest(logits);
  }

  /** Kullback-Leibler divergence from this to another, in nats: {@code sum p (log p - log q)}. */
  public double divergence(LogProbabilities other) {
    double sum = 0;
    for (long i = 0; i < logits.byteSize() / Float.BYTES; i++) {
      double p = of(i);
      sum += Math.exp(p) * (p - other.of(i));
    }
    return sum;
  }

  private static long largest(MemorySegment logits) {
    long best = 0;
    float most = logits.getAtIndex(Tensor.FLOAT, 0);
    for (long i = 1; i < logits.byteSize() / Float.BYTES; i++) {
      float logit = logits.getAtIndex(Tensor.FLOAT, i);
      if (logit > most) {
        most = logit;
        best = i;
      }
    }
    return best;
  }
}
