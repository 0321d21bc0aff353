package dev.hone.compress.quantize;

import dev.hone.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Bytes apportioned to groups so that their losses add up to little: of every group the choices on
 * the lower convex hull of loss over bytes, and of all steps from one to the next those that save
 * most for a byte, while there is room: Shoham and Gersho, "Efficient Bit Allocation for an
 * Arbitrary Set of Quantizers", IEEE 1988. The best there is for the bytes that it takes, and at
 * most one step from the best for those there are.
 */
final class Apportionment {
  private Apportionment() {}

  /** A type that a group may have. */
  record Choice(DType type, long bytes, double loss) {}

  private record Step(int group, Choice from, Choice to) {
    double worth() {
      return (from.loss - to.loss) / (to.bytes - from.bytes);
    }
  }

  /**
   * Chooses.
   *
   * @param groups what each may have
   * @return one choice a group
   * @throws IllegalArgumentException where there is no room for the smallest
   */
  static List<Choice> of(List<List<Choice>> groups, long bytes) {
    Choice[] chosen = new Choice[groups.size()];
    List<Step> steps = new ArrayList<>();
    long room = bytes;
    for (int g = 0; g < chosen.length; g++) {
      List<Choice> hull = hull(groups.get(g));
      chosen[g] = hull.getFirst();
      room -= chosen[g].bytes;
      for (int i = 1; i < hull.size(); i++) {
        steps.add(new Step(g, hull.get(i - 1), hull.get(i)));
      }
    }
    if (room < 0) {
      throw new IllegalArgumentException(
          "the smallest types take " + (bytes - room) + " bytes, and there is room for " + bytes);
    }
    steps.sort(Comparator.comparingDouble(Step::worth).reversed());
    for (Step step : steps) {
      long more = step.to.bytes - step.from.bytes;
      if (more <= room && chosen[step.group].equals(step.from)) {
        chosen[step.group] = step.to;
        room -= more;
      }
    }
    return Arrays.asList(chosen);
  }

  /** From the fewest bytes on, every step worth less for a byte than the one before. */
  private static List<Choice> hull(List<Choice> choices) {
    List<Choice> hull = new ArrayList<>();
    choices.stream()
        .sorted(Comparator.comparingLong(Choice::bytes).thenComparingDouble(Choice::loss))
        .forEach(
            next -> {
              if (!hull.isEmpty() && next.loss >= hull.getLast().loss) {
                return;
              }
              while (hull.size() > 1
                  && new Step(0, hull.get(hull.size() - 2), hull.getLast()).worth()
                      <= new Step(0, hull.getLast(), next).worth()) {
                hull.removeLast();
              }
              hull.add(next);
            });
    return hull;
  }
}
