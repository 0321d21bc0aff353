package dev.hone.compress.search;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.compress.search.Assignment.Limit;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AssignmentTest {
  @Test
  void takesWhatIsCheapestWithinTheLimit() {
    double[][] sizes = {{4, 2, 1}, {4, 2, 1}};
    double[][] losses = {{0, 1e-6, 5e-6}, {0, 4e-6, 9e-6}};
    assertThat(of(sizes, losses, 5e-6)).contains(new int[] {1, 1});
    assertThat(of(sizes, losses, 9e-6)).contains(new int[] {2, 1});
    assertThat(of(sizes, losses, 0)).contains(new int[] {0, 0});
    assertThat(of(sizes, losses, 1)).contains(new int[] {2, 2});
  }

  @Test
  void saysWhereNoChoiceKeepsTheLimits() {
    assertThat(of(new double[][] {{1, 2}}, new double[][] {{3, 4}}, 2)).isEmpty();
  }

  @Test
  void keepsSeveralLimits() {
    double[][] times = {{1, 2, 3}, {1, 2, 3}};
    double[][] losses = {{3, 2, 0}, {3, 2, 0}};
    double[][] sizes = {{1, 1, 9}, {1, 1, 2}};
    Optional<int[]> found =
        Assignment.of(times, List.of(new Limit(losses, 3), new Limit(sizes, 4)));
    assertThat(found).contains(new int[] {0, 2});
  }

  /** Of one group's cost at most away from the best there is, which all choices are tried for. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void isOneGroupAwayFromTheBestAtMost(long seed) {
    var random = new Random(seed);
    int groups = 6;
    double[][] costs = new double[groups][];
    double[][] losses = new double[groups][];
    for (int g = 0; g < groups; g++) {
      costs[g] = random.doubles(1 + random.nextInt(4), 0.1, 1e6).toArray();
      losses[g] = random.doubles(costs[g].length, 0, 1e-4).toArray();
    }
    double most = 2.5e-4;
    Optional<int[]> found = of(costs, losses, most);
    double best = best(costs, losses, most, new int[groups], 0);
    assertThat(found.isPresent()).as("seed " + seed).isEqualTo(Double.isFinite(best));
    if (found.isPresent()) {
      assertThat(Assignment.sum(losses, found.get())).isLessThanOrEqualTo(most * (1 + 1e-9));
      double dearest = Arrays.stream(costs).flatMapToDouble(Arrays::stream).max().orElseThrow();
      assertThat(Assignment.sum(costs, found.get())).isBetween(best - 1e-6, best + dearest);
    }
  }

  private static Optional<int[]> of(double[][] costs, double[][] losses, double most) {
    return Assignment.of(costs, List.of(new Limit(losses, most)));
  }

  private static double best(
      double[][] costs, double[][] losses, double most, int[] choice, int at) {
    if (at == choice.length) {
      return Assignment.sum(losses, choice) <= most
          ? Assignment.sum(costs, choice)
          : Double.POSITIVE_INFINITY;
    }
    double best = Double.POSITIVE_INFINITY;
    for (int c = 0; c < costs[at].length; c++) {
      choice[at] = c;
      best = Math.min(best, best(costs, losses, most, choice, at + 1));
    }
    return best;
  }
}
