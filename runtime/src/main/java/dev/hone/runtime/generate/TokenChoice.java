package dev.hone.runtime.generate;

import java.util.List;

/**
 * A token that was chosen, and how likely the model held it and others: natural logarithms of the
 * probabilities that its logits stand for, before anything that {@link Sampling} does to them.
 *
 * @param likeliest the likeliest tokens, best first, as many as were asked for
 */
public record TokenChoice(int token, double logprob, List<Likely> likeliest) {
  public TokenChoice {
    likeliest = List.copyOf(likeliest);
  }

  /** A token that could have been chosen. */
  public record Likely(int token, double logprob) {}

  /** Says what the model held of a token. */
  static TokenChoice of(int token, float[] logits, int count) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - largest);
    }
    double all = largest + Math.log(sum);
    List<Likely> likeliest = List.of();
    if (count > 0) {
      var order = new LargestFirst(logits);
      var first = new java.util.ArrayList<Likely>();
      while (first.size() < count && !order.isEmpty()) {
        int next = order.take();
        first.add(new Likely(next, logits[next] - all));
      }
      likeliest = first;
    }
    return new TokenChoice(token, logits[token] - all, likeliest);
  }
}
