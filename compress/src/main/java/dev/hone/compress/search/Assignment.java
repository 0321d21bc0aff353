package dev.hone.compress.search;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ojalgo.optimisation.Expression;
import org.ojalgo.optimisation.ExpressionsBasedModel;
import org.ojalgo.optimisation.Optimisation;
import org.ojalgo.optimisation.Variable;

/**
 * One choice for every group, such that the sum of costs is least and other sums stay within
 * limits: the multiple-choice knapsack problem by its linear relaxation. Kellerer, Pferschy,
 * Pisinger, "Knapsack Problems", section 11.2: with one limit at most one group is left between two
 * choices, which then takes the one that costs more and uses less.
 */
public final class Assignment {
  /** Share by which rounding may put a sum above its limit. */
  private static final double SLACK = 1e-9;

  private Assignment() {}

  /**
   * A sum that must not be exceeded, such as a loss or a size.
   *
   * @param uses [group, choice]
   */
  public record Limit(double[][] uses, double most) {}

  /**
   * Chooses.
   *
   * @param costs [group, choice]; groups may have different numbers of choices
   * @return [group] the index of its choice; empty where no choice keeps the limits, or, with
   *     several limits, where the nearest whole choices do not
   */
  public static Optional<int[]> of(double[][] costs, List<Limit> limits) {
    var model = new ExpressionsBasedModel();
    List<List<Variable>> shares = new ArrayList<>();
    double unit = greatest(costs);
    for (int g = 0; g < costs.length; g++) {
      List<Variable> choices = new ArrayList<>();
      Expression one = model.newExpression("group " + g).level(1);
      for (int c = 0; c < costs[g].length; c++) {
        Variable share =
            model.newVariable(g + "/" + c).lower(0).upper(1).weight(costs[g][c] / unit);
        one.set(share, 1);
        choices.add(share);
      }
      shares.add(choices);
    }
    for (Limit limit : limits) {
      // Losses may be as small as 1e-7: the solver's tolerances are for numbers around 1.
      double scale = greatest(limit.uses);
      Expression sum = model.newExpression("limit " + limits.indexOf(limit));
      sum.upper(limit.most / scale);
      for (int g = 0; g < costs.length; g++) {
        for (int c = 0; c < costs[g].length; c++) {
          sum.set(shares.get(g).get(c), limit.uses[g][c] / scale);
        }
      }
    }
    Optimisation.Result result = model.minimise();
    if (!result.getState().isFeasible()) {
      return Optional.empty();
    }
    double[][] found = new double[costs.length][];
    int at = 0;
    for (int g = 0; g < costs.length; g++) {
      found[g] = new double[costs[g].length];
      for (int c = 0; c < found[g].length; c++) {
        found[g][c] = result.doubleValue(at++);
      }
    }
    return rounded(found, costs, limits);
  }

  /** Whole choices: groups that lie between some take the cheapest that the limits still allow. */
  private static Optional<int[]> rounded(double[][] shares, double[][] costs, List<Limit> limits) {
    int[] choice = new int[shares.length];
    for (int g = 0; g < shares.length; g++) {
      choice[g] = largest(shares[g]);
    }
    for (int g = 0; g < shares.length; g++) {
      if (shares[g][choice[g]] < 1 - 1e-6) {
        int group = g;
        Optional<Integer> best =
            IntStream.range(0, costs[g].length)
                .filter(c -> kept(with(choice, group, c), limits))
                .boxed()
                .min((a, b) -> Double.compare(costs[group][a], costs[group][b]));
        if (best.isPresent()) {
          choice[g] = best.get();
        }
      }
    }
    return kept(choice, limits) ? Optional.of(choice) : Optional.empty();
  }

  private static boolean kept(int[] choice, List<Limit> limits) {
    return limits.stream()
        .allMatch(l -> sum(l.uses, choice) <= l.most + SLACK * Math.max(1e-30, Math.abs(l.most)));
  }

  /** What choices cost or use together. */
  public static double sum(double[][] values, int[] choice) {
    return IntStream.range(0, choice.length).mapToDouble(g -> values[g][choice[g]]).sum();
  }

  private static int[] with(int[] choice, int group, int other) {
    int[] changed = choice.clone();
    changed[group] = other;
    return changed;
  }

  private static int largest(double[] shares) {
    return IntStream.range(0, shares.length)
        .boxed()
        .max((a, b) -> Double.compare(shares[a], shares[b]))
        .orElseThrow();
  }

  private static double greatest(double[][] values) {
    double greatest =
        Arrays.stream(values).flatMapToDouble(Arrays::stream).map(Math::abs).max().orElse(0);
    return greatest == 0 ? 1 : greatest;
  }
}
