package dev.hone.model.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.Rope;
import dev.hone.model.RopeScaling;
import dev.hone.model.format.Config;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a config says of rotary positions: today's {@code rope_parameters}, for all layers or by
 * their type, or the older {@code rope_theta} and {@code rope_scaling}.
 *
 * @param theta the older name of the base
 * @param defaultTheta base where nothing is said of it
 * @param scaled whether the older {@code rope_scaling} holds for these layers
 * @param partial the older name of the share of a head's numbers that are turned
 * @param defaultPartial share where nothing is said of it
 */
record RopeConfig(
    String theta, float defaultTheta, boolean scaled, String partial, float defaultPartial) {
  static final RopeConfig USUAL =
      new RopeConfig("rope_theta", 10_000, true, "partial_rotary_factor", 1);

  private static final Set<String> PLAIN =
      Set.of("rope_theta", "rope_type", "type", "partial_rotary_factor");

  /** The same with another base where nothing is said of it. */
  RopeConfig withTheta(String name, float otherwise) {
    return new RopeConfig(name, otherwise, scaled, partial, defaultPartial);
  }

  RopeConfig unscaled() {
    return new RopeConfig(theta, defaultTheta, false, partial, defaultPartial);
  }

  /**
   * The rotary positions of layers of one type.
   *
   * @param layerType as {@code rope_parameters} names it, where it tells types apart
   */
  Rope read(Config config, String layerType, int headDim) {
    Optional<Config> today = config.object("rope_parameters");
    Config parameters =
        today
            .map(t -> t.object(layerType).orElse(t))
            .or(() -> scaled ? config.object("rope_scaling") : Optional.empty())
            .orElse(new Config(config.source(), config.json().objectNode()));
    float base = config.number(theta, defaultTheta);
    float share = config.number(partial, defaultPartial);
    int dims = (int) (headDim * parameters.number("partial_rotary_factor", share));
    if (dims < 2 || dims > headDim || dims % 2 != 0) {
      throw parameters.wrong(
          "partial_rotary_factor", "a share that leaves an even number of " + headDim);
    }
    float read = parameters.number("rope_theta", base);
    if (read <= 0) {
      throw parameters.wrong("rope_theta", "positive");
    }
    return new Rope(dims, read, scaling(config, parameters, dims));
  }

  private static RopeScaling scaling(Config config, Config parameters, int dims) {
    String field = parameters.has("rope_type") ? "rope_type" : "type";
    String type = parameters.text(field, "default");
    return switch (type) {
      case "default" -> {
        parameters.refuseOthers(PLAIN);
        yield new RopeScaling.None();
      }
      case "linear" -> {
        known(parameters, "factor");
        yield new RopeScaling.Linear(factor(parameters));
      }
      case "llama3" -> {
        known(
            parameters,
            "factor",
            "low_freq_factor",
            "high_freq_factor",
            "original_max_position_embeddings");
        float low = parameters.number("low_freq_factor");
        float high = parameters.number("high_freq_factor");
        if (!(high > low)) {
          throw parameters.wrong("high_freq_factor", "greater than low_freq_factor = " + low);
        }
        yield new RopeScaling.Llama3(
            factor(parameters),
            low,
            high,
            parameters.positive("original_max_position_embeddings", ConfigLimits.POSITIONS));
      }
      case "yarn" -> yarn(config, parameters);
      case "longrope", "su" -> longRope(config, parameters, dims / 2); // the latter in 2024
      case "dynamic" -> {
        known(parameters, "factor", "original_max_position_embeddings");
        if (dims < 4) {
          throw parameters.wrong("partial_rotary_factor", "a share that leaves at least 4 numbers");
        }
        yield new RopeScaling.DynamicNtk(
            factor(parameters), config.positive("max_position_embeddings", ConfigLimits.POSITIONS));
      }
      default ->
          throw parameters.wrong(
              field,
              "default, linear, dynamic, llama3, yarn or longrope (nothing else is supported yet)");
    };
  }

  private static RopeScaling yarn(Config config, Config parameters) {
    known(
        parameters,
        "factor",
        "beta_fast",
        "beta_slow",
        "original_max_position_embeddings",
        "attention_factor",
        "mscale",
        "mscale_all_dim",
        "truncate");
    double factor = factor(parameters);
    float all = parameters.number("mscale_all_dim", 0);
    float one = parameters.number("mscale", 0);
    double amplitude =
        one != 0 && all != 0 ? stretch(factor, one) / stretch(factor, all) : stretch(factor, 1);
    return new RopeScaling.Yarn(
        factor,
        parameters.number("beta_fast", 32),
        parameters.number("beta_slow", 1),
        parameters.has("original_max_position_embeddings")
            ? parameters.positive("original_max_position_embeddings", ConfigLimits.POSITIONS)
            : config.positive("max_position_embeddings", ConfigLimits.POSITIONS),
        parameters.has("attention_factor") ? parameters.number("attention_factor") : amplitude,
        parameters.flag("truncate", true));
  }

  private static RopeScaling longRope(Config config, Config parameters, int pairs) {
    known(
        parameters,
        "factor",
        "short_factor",
        "long_factor",
        "original_max_position_embeddings",
        "attention_factor");
    String original = "original_max_position_embeddings";
    int to = config.positive("max_position_embeddings", ConfigLimits.POSITIONS);
    int from =
        parameters.positive(
            original,
            ConfigLimits.POSITIONS,
            config.positive(original, ConfigLimits.POSITIONS, to));
    double stretched = parameters.number("factor", (float) (to / (double) from));
    double amplitude = stretched <= 1 ? 1 : Math.sqrt(1 + Math.log(stretched) / Math.log(from));
    return new RopeScaling.LongRope(
        divisors(parameters, "short_factor", pairs),
        divisors(parameters, "long_factor", pairs),
        from,
        parameters.has("attention_factor") ? parameters.number("attention_factor") : amplitude);
  }

  private static List<Double> divisors(Config parameters, String field, int pairs) {
    JsonNode list = parameters.json().path(field);
    List<Double> divisors = new ArrayList<>();
    for (JsonNode number : list) {
      divisors.add(number.asDouble());
    }
    if (!list.isArray() || divisors.size() != pairs || divisors.stream().anyMatch(d -> !(d > 0))) {
      throw parameters.wrong(field, pairs + " positive numbers, one a pair");
    }
    return divisors;
  }

  private static double stretch(double factor, double scale) {
    return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
  }

  private static double factor(Config parameters) {
    float factor = parameters.number("factor");
    if (factor < 1) {
      throw parameters.wrong("factor", "at least 1");
    }
    return factor;
  }

  private static void known(Config parameters, String... more) {
    var all = new java.util.TreeSet<>(PLAIN);
    all.addAll(java.util.List.of(more));
    parameters.refuseOthers(all);
  }
}
