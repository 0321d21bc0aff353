package dev.hone.runtime.generate;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Chooses the tokens of one answer as {@link Sampling} says. It has a stream of random numbers of
 * its own: what it chooses depends on the seed, on which answer of its prompt it is, and on the
 * logits alone.
 */
final class Sampler {
  private final Sampling sampling;
  private final SplittableRandom random;

  /** Tokens of prompt and answer. */
  private final BitSet seen = new BitSet();

  /** How often the answer has a token. */
  private final Map<Integer, Integer> answered = new HashMap<>();

  /**
   * @param seed of all answers to the prompt
   * @param answer which of them
   */
  Sampler(Sampling sampling, long seed, int answer, int[] prompt) {
    this.sampling = sampling;
    var streams = new SplittableRandom(seed);
    for (int i = 0; i < answer; i++) {
      streams.split();
    }
    this.random = streams.split();
    for (int token : prompt) {
      seen.set(token);
    }
  }

  /**
   * The next token; it counts as one of the answer's from now on.
   *
   * @param logits one a token; they stay as they are
   */
  int choose(float[] logits) {
    float[] scores = changed(logits);
    int best = largest(scores);
    if (!Float.isFinite(scores[best])) {
      throw new IllegalStateException(
          "the model's largest logit is "
              + scores[best]
              + ": its weights are damaged, or too large for its arithmetic");
    }
    int token = sampling.temperature() == 0 ? best : drawn(scores, scores[best]);
    seen.set(token);
    answered.merge(token, 1, Integer::sum);
    return token;
  }

  static int largest(float[] scores) {
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      if (scores[i] > scores[best]) {
        best = i;
      }
    }
    return best;
  }

  /** With biases and penalties: a copy where there are any. */
  private float[] changed(float[] logits) {
    boolean counts = sampling.presencePenalty() != 0 || sampling.frequencyPenalty() != 0;
    if (sampling.bias().isEmpty() && sampling.repetitionPenalty() == 1 && !counts) {
      return logits;
    }
    float[] scores = logits.clone();
    sampling.bias().forEach((token, value) -> scores[token] += value);
    float repetition = sampling.repetitionPenalty();
    if (repetition != 1) {
      seen.stream()
          .forEach(
              t -> scores[t] = scores[t] > 0 ? scores[t] / repetition : scores[t] * repetition);
    }
    if (counts) {
      answered.forEach(
          (token, count) ->
              scores[token] -= sampling.presencePenalty() + sampling.frequencyPenalty() * count);
    }
    return scores;
  }

  private int drawn(float[] scores, float largest) {
    return sampling.topK() == 0 && sampling.topP() == 1
        ? drawnOfAll(scores, largest)
        : drawnOfFirst(scores, largest);
  }

  /** A token's probability as a multiple of the likeliest one's. */
  private double weight(float score, float largest) {
    return Math.exp(((double) score - largest) / sampling.temperature());
  }

  private int drawnOfAll(float[] scores, float largest) {
    double[] upTo = new double[scores.length];
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      double weight = weight(scores[i], largest);
      sum += weight >= sampling.minP() ? weight : 0;
      upTo[i] = sum;
    }
    return drawn(upTo, upTo.length);
  }

  private int drawnOfFirst(float[] scores, float largest) {
    var order = new LargestFirst(scores);
    boolean all = sampling.topK() == 0 || sampling.topK() >= scores.length;
    int most = all ? scores.length : sampling.topK();
    int[] tokens = new int[all ? 64 : most];
    double[] upTo = new double[tokens.length];
    double total = all ? mass(scores, largest) : 0;
    double sum = 0;
    int count = 0;
    while (count < most && (count == 0 || !all || sum < sampling.topP() * total)) {
      int token = order.take();
      double weight = weight(scores[token], largest);
      if (all && weight < sampling.minP()) {
        break;
      }
      if (count == tokens.length) {
        tokens = Arrays.copyOf(tokens, Math.min(most, 2 * count));
        upTo = Arrays.copyOf(upTo, tokens.length);
      }
      sum += weight;
      tokens[count] = token;
      upTo[count++] = sum;
    }
    if (!all) { // what topP keeps depends on what all of the topK have
      double share = sampling.topP() * sum;
      int kept = 1;
      while (kept < count
          && upTo[kept - 1] < share
          && weight(scores[tokens[kept]], largest) >= sampling.minP()) {
        kept++;
      }
      count = kept;
    }
    return tokens[drawn(upTo, count)];
  }

  private double mass(float[] scores, float largest) {
    double sum = 0;
    for (float score : scores) {
      sum += weight(score, largest);
    }
    return sum;
  }

  /** An index, by the sums of the weights up to each. */
  private int drawn(double[] upTo, int count) {
    double at = random.nextDouble() * upTo[count - 1];
    int low = 0;
    int high = count - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (upTo[middle] > at) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
