package dev.hone.compress.search;

import dev.hone.compress.Recipe;
import dev.hone.compress.search.Assignment.Limit;
import dev.hone.compress.search.Optimizer.Settings;
import dev.hone.measure.Objective;
import dev.hone.runtime.Encoder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Mixes formats. How far the predictions move is measured for every group of layers in every format
 * alone; small moves add up nearly, so {@link Assignment} finds the mixture that costs least for
 * any sum of them. How large a sum the budget allows is found by bisection over whole candidates,
 * measured as any other.
 */
final class MixtureSearch {
  /** Where the sums that do and do not keep the budget lie this near, no further one is tried. */
  private static final double NEAR = 1.05;

  /** From one sum to the next, before there is one on either side. */
  private static final double STRIDE = 4;

  /** The first sum that is tried, as a share of the largest. */
  private static final double FIRST = 1.0 / 16;

  /** Of equally fast formats the smaller one: the whole model's bytes weigh as much of its time. */
  private static final double SIZE_WEIGHT = 1e-3;

  private final Encoder encoder;
  private final Quality<?> quality;
  private final Mixture mixture;
  private final List<Recipe> recipes;
  private final Settings settings;
  private final Trials trials;
  private final TrialLog log;
  private final Steps steps;

  /** What a group may become: [choice]. */
  private record Choices(LayerGroup group, List<String> versions, double[] losses) {}

  MixtureSearch(
      Encoder encoder,
      Quality<?> quality,
      Mixture mixture,
      List<Recipe> recipes,
      Settings settings,
      Trials trials,
      TrialLog log,
      Steps steps) {
    this.encoder = encoder;
    this.quality = quality;
    this.mixture = mixture;
    this.recipes = recipes;
    this.settings = settings;
    this.trials = trials;
    this.log = log;
    this.steps = steps;
  }

  void run() throws IOException {
    List<Choices> groups = new ArrayList<>();
    for (LayerGroup group : mixture.groups()) {
      if (!trials.mayGoOn()) {
        return;
      }
      groups.add(choices(group));
    }
    double[][] losses = groups.stream().map(Choices::losses).toArray(double[][]::new);
    double[][] times = groups.stream().map(this::times).toArray(double[][]::new);
    double[][] costs = groups.stream().map(this::bytes).toArray(double[][]::new);
    if (settings.objective() != Objective.SIZE) {
      costs = sums(times, costs, SIZE_WEIGHT / encoder.model().transformer().sizeBytes());
    }
    bisect(groups, losses, times, costs);
  }

  private void bisect(List<Choices> groups, double[][] losses, double[][] times, double[][] costs)
      throws IOException {
    double most = 0;
    for (double[] ofGroup : losses) {
      most += max(ofGroup);
    }
    Map<Map<String, String>, Boolean> known = new HashMap<>();
    known.put(assignment(groups, new int[groups.size()]), true); // the original is no candidate
    double fits = 0;
    double tooMuch = Double.POSITIVE_INFINITY;
    double sum = most * FIRST;
    while (tooMuch > NEAR * fits) {
      Optional<int[]> choice = Assignment.of(costs, List.of(new Limit(losses, sum)));
      if (choice.isEmpty()) {
        return;
      }
      Map<String, String> assignment = assignment(groups, choice.get());
      Boolean kept = known.get(assignment);
      if (kept == null) {
        String name = "mixed-" + known.size();
        if (!tried(name, assignment, 1 + Assignment.sum(times, choice.get()))) {
          return;
        }
        kept = trials.fits(name);
        known.put(assignment, kept);
        steps.done(Steps.Kind.CANDIDATE, name);
      }
      if (kept) {
        fits = sum;
      } else {
        tooMuch = sum;
      }
      if (fits >= most || tooMuch < most * 1e-6) {
        return;
      }
      if (fits == 0) {
        sum = tooMuch / STRIDE;
      } else {
        sum = tooMuch < most * STRIDE ? Math.sqrt(fits * tooMuch) : Math.min(most, fits * STRIDE);
      }
    }
  }

  private boolean tried(String name, Map<String, String> assignment, double predicted)
      throws IOException {
    var model = mixture.of(assignment);
    try {
      return trials.tried(
          name, assignment, model, trials.provenance(name, assignment, recipes, model), predicted);
    } catch (ArithmeticException | IllegalArgumentException e) {
      trials.note(name + " was not possible: " + e.getMessage());
      return false;
    }
  }

  /** What a group loses in each version that is another one for it. */
  private Choices choices(LayerGroup group) {
    List<String> versions = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    for (String version : mixture.choices(group)) {
      loss(group, version)
          .ifPresent(
              loss -> {
                versions.add(version);
                losses.add(loss);
              });
    }
    return new Choices(group, versions, losses.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Empty where the model answers no numbers then. */
  private OptionalDouble loss(LayerGroup group, String version) {
    if (version.equals(Mixture.ORIGINAL)) {
      return OptionalDouble.of(0);
    }
    OptionalDouble known = log.loss(group.name(), version);
    if (known.isPresent()) {
      return known;
    }
    try (Encoder changed = encoder.with(mixture.of(Map.of(group.name(), version)))) {
      double loss = Math.max(0, quality.divergence(changed));
      log.add(group.name(), version, loss);
      steps.done(Steps.Kind.GROUP, "what " + group.name() + " loses");
      return OptionalDouble.of(loss);
    } catch (ArithmeticException | IllegalArgumentException e) {
      trials.note(group.name() + " as " + version + " was not possible: " + e.getMessage());
      return OptionalDouble.empty();
    }
  }

  private double[] bytes(Choices choices) {
    return choices.versions.stream().mapToDouble(v -> mixture.bytes(choices.group, v)).toArray();
  }

  /** By how much longer a group takes than in the original, as a share of the original's time. */
  private double[] times(Choices choices) {
    return choices.versions.stream()
        .mapToDouble(
            version ->
                trials.all().stream()
                    .filter(t -> t.name().equals(version))
                    .mapToDouble(
                        t ->
                            time(choices.group, t.layers().candidate())
                                - time(choices.group, t.layers().original()))
                    .findFirst()
                    .orElse(0))
        .toArray();
  }

  private static double time(LayerGroup group, Map<String, Double> shares) {
    return group.weights().stream()
        .map(weight -> weight.substring(0, weight.lastIndexOf('.')))
        .mapToDouble(layer -> shares.getOrDefault(layer, 0.0))
        .sum();
  }

  private static Map<String, String> assignment(List<Choices> groups, int[] choice) {
    Map<String, String> assignment = new LinkedHashMap<>();
    for (int g = 0; g < choice.length; g++) {
      assignment.put(groups.get(g).group.name(), groups.get(g).versions.get(choice[g]));
    }
    return assignment;
  }

  private static double[][] sums(double[][] a, double[][] b, double weight) {
    double[][] sums = new double[a.length][];
    for (int g = 0; g < a.length; g++) {
      sums[g] = new double[a[g].length];
      for (int c = 0; c < a[g].length; c++) {
        sums[g][c] = a[g][c] + weight * b[g][c];
      }
    }
    return sums;
  }

  private static double max(double[] values) {
    double max = 0;
    for (double value : values) {
      max = Math.max(max, value);
    }
    return max;
  }
}
