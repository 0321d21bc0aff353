package dev.hone.runtime;

import dev.hone.model.Route;
import dev.hone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Which experts a batch's tokens go to, and with which weights: those of the largest logits, of
 * equal ones the first.
 *
 * @param experts how many there are
 * @param chosen [token * k]: the k experts of each token, best first
 * @param weights [token * k]
 */
record Routing(int experts, int tokens, int[] chosen, float[] weights) {

  /**
   * Chooses.
   *
   * @param logits [token, expert]
   * @param normalized the weights of a token's experts add up to one
   */
  static Routing of(Tensor logits, int k, boolean normalized) {
    int tokens = Math.toIntExact(logits.rows());
    int experts = Math.toIntExact(logits.cols());
    int[] chosen = new int[tokens * k];
    float[] weights = new float[tokens * k];
    for (int t = 0; t < tokens; t++) {
      float[] row = logits.row(t).toArray(Tensor.FLOAT);
      double[] shares = softmax(row);
      double sum = 0;
      for (int i = 0; i < k; i++) {
        int best = best(row);
        chosen[t * k + i] = best;
        row[best] = Float.NEGATIVE_INFINITY;
        sum += shares[best];
      }
      for (int i = 0; i < k; i++) {
        double share = shares[chosen[t * k + i]];
        weights[t * k + i] = (float) (normalized ? share / sum : share);
      }
    }
    return new Routing(experts, tokens, chosen, weights);
  }

  private static double[] softmax(float[] logits) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double[] shares = new double[logits.length];
    double sum = 0;
    for (int e = 0; e < shares.length; e++) {
      shares[e] = Math.exp(logits[e] - max);
      sum += shares[e];
    }
    for (int e = 0; e < shares.length; e++) {
      shares[e] /= sum;
    }
    return shares;
  }

  private static int best(float[] logits) {
    int best = 0;
    for (int e = 1; e < logits.length; e++) {
      if (logits[e] > logits[best]) {
        best = e;
      }
    }
    return best;
  }

  /** The tokens of each expert that has any. */
  List<Route<Tensor>> routes(Slab slab) {
    int k = chosen.length / Math.max(1, tokens);
    int[] counts = new int[experts];
    for (int expert : chosen) {
      counts[expert]++;
    }
    List<Route<Tensor>> routes = new ArrayList<>();
    for (int e = 0; e < experts; e++) {
      if (counts[e] == 0) {
        continue;
      }
      int[] mine = new int[counts[e]];
      Tensor factors = slab.matrix(counts[e], 1);
      int count = 0;
      for (int i = 0; i < chosen.length; i++) {
        if (chosen[i] == e) {
          factors.data().set(Tensor.FLOAT, 4L * count, weights[i]);
          mine[count++] = i / k;
        }
      }
      routes.add(new Route<>(e, mine, factors));
    }
    return routes;
  }
}
