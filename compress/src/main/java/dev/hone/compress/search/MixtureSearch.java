package dev.hone.compress.search;

import dev.hone.compress.Recipe;
import dev.hone.compress.search.Assignment.Limit;
import dev.hone.compress.search.Optimizer.Settings;
import dev.hone.measure.Objective;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/**
 * Mixes formats. How far the predictions move is measured for every group of layers in every format
 * alone; small moves add up nearly, so {@link Assignment} finds the mixture that costs least for
 * any sum of them. How large a sum the budget allows is found by bisection over whole candidates,
 * measured as any other.
 */
final class MixtureSearch<S extends Subject<S>> {
  /** Where the sums that do and do not keep the budget lie this near, no further one is tried. */
  private static final double NEAR = 1.05;

  /** From one sum to the next, before there is one on either side. */
  private static final double STRIDE = 4;

  /** The first sum that is tried, as a share of the largest. */
  private static final double FIRST = 1.0 / 16;

  /**
   * Of equally fast formats the smaller one: the whole model's bytes weigh as much of its time,
   * about what the noise of the measurement is.
   */
  private static final double SIZE_WEIGHT = 0.02;

  private final S original;
  private final Quality<S> quality;
  private final Mixture mixture;
  private final List<Recipe> recipes;
  private final Settings settings;
  private final Trials<S> trials;
  private final TrialLog log;
  private final Steps steps;

  /**
   * What a group may become.
   *
   * @param time by how much longer it takes than in the original, as a share of the original's time
   */
  private record Option(String group, String version, double loss, double time, double cost) {}

  MixtureSearch(
      S original,
      Quality<S> quality,
      Mixture mixture,
      List<Recipe> recipes,
      Settings settings,
      Trials<S> trials,
      TrialLog log,
      Steps steps) {
    this.original = original;
    this.quality = quality;
    this.mixture = mixture;
    this.recipes = recipes;
    this.settings = settings;
    this.trials = trials;
    this.log = log;
    this.steps = steps;
  }

  void run() throws IOException {
    List<List<Option>> options = new ArrayList<>();
    for (LayerGroup group : mixture.groups()) {
      if (!trials.mayGoOn()) {
        return;
      }
      options.add(options(group));
    }
    bisect(options);
  }

  private void bisect(List<List<Option>> options) throws IOException {
    double[][] losses = values(options, Option::loss);
    double[][] times = values(options, Option::time);
    double[][] costs = values(options, Option::cost);
    double most = 0;
    for (double[] ofGroup : losses) {
      most += max(ofGroup);
    }
    double fits = 0;
    double tooMuch = Double.POSITIVE_INFINITY;
    double sum = most * FIRST;
    while (tooMuch > NEAR * fits) {
      Optional<int[]> choice = Assignment.of(costs, List.of(new Limit(losses, sum)));
      if (choice.isEmpty()) {
        return;
      }
      Map<String, String> assignment = assignment(options, choice.get());
      Optional<String> known = mixture.version(assignment).or(() -> trials.mixture(assignment));
      String name = known.orElseGet(trials::newName);
      if (known.isEmpty()) {
        if (!tried(name, assignment, 1 + Assignment.sum(times, choice.get()))) {
          return;
        }
        steps.done(Steps.Kind.CANDIDATE, name);
      }
      boolean kept = name.equals(Mixture.ORIGINAL) || trials.fits(name);
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

  /** The original, and each version that costs less: any other loses for nothing. */
  private List<Option> options(LayerGroup group) {
    List<Option> options = new ArrayList<>();
    for (String version : mixture.choices(group)) {
      double time = time(group, version);
      double cost = cost(group, version, time);
      if (options.isEmpty() || cost < options.getFirst().cost) {
        loss(group, version)
            .ifPresent(loss -> options.add(new Option(group.name(), version, loss, time, cost)));
      }
    }
    return options;
  }

  private double cost(LayerGroup group, String version, double time) {
    double bytes = mixture.bytes(group, version);
    return settings.objective() == Objective.SIZE
        ? bytes
        : time + SIZE_WEIGHT * bytes / original.model().transformer().sizeBytes();
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
    try (S changed = original.with(mixture.of(Map.of(group.name(), version)))) {
      double loss = Math.max(0, quality.divergence(changed));
      log.add(group.name(), version, loss);
      steps.done(Steps.Kind.GROUP, "what " + group.name() + " loses");
      return OptionalDouble.of(loss);
    } catch (ArithmeticException | IllegalArgumentException e) {
      trials.note(group.name() + " as " + version + " was not possible: " + e.getMessage());
      return OptionalDouble.empty();
    }
  }

  /**
   * By how much longer a group takes: layers share what the whole candidate takes beyond what was
   * seen of each.
   */
  private double time(LayerGroup group, String version) {
    if (version.equals(Mixture.ORIGINAL)) {
      return 0;
    }
    Trial trial =
        trials.all().stream().filter(t -> t.name().equals(version)).findFirst().orElseThrow();
    Map<String, Double> before = trial.layers().original();
    Map<String, Double> after = trial.layers().candidate();
    double unseen = trials.relative(trial) - 1 - sum(after) + sum(before);
    return time(group, after) * (1 + unseen / sum(after)) - time(group, before);
  }

  private static double sum(Map<String, Double> shares) {
    return shares.values().stream().mapToDouble(Double::doubleValue).sum();
  }

  private static double time(LayerGroup group, Map<String, Double> shares) {
    return group.weights().stream()
        .map(weight -> weight.substring(0, weight.lastIndexOf('.')))
        .mapToDouble(layer -> shares.getOrDefault(layer, 0.0))
        .sum();
  }

  private static Map<String, String> assignment(List<List<Option>> options, int[] choice) {
    Map<String, String> assignment = new LinkedHashMap<>();
    for (int g = 0; g < choice.length; g++) {
      Option option = options.get(g).get(choice[g]);
      assignment.put(option.group, option.version);
    }
    return assignment;
  }

  private static double[][] values(List<List<Option>> options, ToDoubleFunction<Option> value) {
    return options.stream()
        .map(group -> group.stream().mapToDouble(value).toArray())
        .toArray(double[][]::new);
  }

  private static double max(double[] values) {
    double max = 0;
    for (double value : values) {
      max = Math.max(max, value);
    }
    return max;
  }
}
