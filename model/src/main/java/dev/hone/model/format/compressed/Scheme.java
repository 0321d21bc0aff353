package dev.hone.model.format.compressed;

import dev.hone.model.format.Config;
import dev.hone.tensor.Input;
import java.util.Optional;
import java.util.Set;

/**
 * How the layers of one group of {@code config_groups} are quantized.
 *
 * @param group columns that share a scale; 0: the whole row
 * @param perTensor one scale for the whole matrix; {@code group} is 0 then
 * @param input how the layers read their input; empty: on a grid of each layer's own, which stands
 *     in its tensors
 * @param factors whether what stands there has a factor for each column; {@code input} is empty
 *     then
 */
record Scheme(
    Packing packing,
    int bits,
    boolean symmetric,
    int group,
    boolean perTensor,
    Optional<Input> input,
    boolean factors) {

  /** How a layer's integers lie in the file. */
  enum Packing {
    /** {@code weight_packed}: unsigned integers, densely packed into 32-bit words. */
    PACK_QUANTIZED("pack-quantized"),
    /** {@code weight}: a signed byte each. */
    INT_QUANTIZED("int-quantized");

    final String label;

    Packing(String label) {
      this.label = label;
    }
  }

  private static final Set<String> GROUP_FIELDS =
      Set.of("targets", "weights", "input_activations", "output_activations", "format");

  /** Of these, the observers say how the scales were found, and the dtypes what the file shows. */
  private static final Set<String> QUANTIZATION_FIELDS =
      Set.of(
          "num_bits",
          "type",
          "symmetric",
          "strategy",
          "group_size",
          "dynamic",
          "actorder",
          "block_structure",
          "observer",
          "observer_kwargs",
          "scale_dtype",
          "zp_dtype");

  /** Reads a group; nothing where the group leaves its layers as they are. */
  static Optional<Scheme> read(Config group, String formatOfAll) {
    group.refuseOthers(GROUP_FIELDS);
    if (group.has("output_activations")) {
      throw group.wrong("output_activations", "null (nothing else is supported yet)");
    }
    String format = group.text("format", formatOfAll);
    Optional<Config> weights = group.object("weights");
    if (weights.isEmpty() && !group.has("input_activations")) {
      return Optional.empty();
    }
    if (weights.isEmpty()) {
      throw group.wrong("weights", "set where input_activations are");
    }
    if (format.equals("dense")) {
      throw group.wrong(
          "format",
          "compressed (the quantization is only simulated; save with save_compressed=True)");
    }
    return Optional.of(read(weights.get(), packing(group, format), group));
  }

  private static Packing packing(Config group, String format) {
    return switch (format) {
      case "pack-quantized" -> Packing.PACK_QUANTIZED;
      case "int-quantized", "naive-quantized" -> Packing.INT_QUANTIZED;
      default ->
          throw group.wrong(
              "format",
              "one of pack-quantized, int-quantized, naive-quantized, dense; it is " + format);
    };
  }

  private static Scheme read(Config weights, Packing packing, Config all) {
    weights.refuseOthers(QUANTIZATION_FIELDS);
    weights.require("type", "int");
    if (weights.flag("dynamic", false)) {
      throw weights.wrong("dynamic", "false for weights");
    }
    int bits = weights.positive("num_bits", 32, 8);
    if (bits < 2 || bits > 8) {
      throw weights.wrong("num_bits", "from 2 to 8");
    }
    if (weights.has("actorder")
        && !weights.json().get("actorder").asText().matches("weight|static|false")) {
      throw weights.wrong(
          "actorder", "null, weight or static: reordered columns are not supported");
    }
    if (weights.has("block_structure")) {
      throw weights.wrong("block_structure", "null (nothing else is supported yet)");
    }
    String strategy = weights.text("strategy", inferredStrategy(weights));
    int group =
        switch (strategy) {
          case "tensor", "channel" -> 0;
          case "group" -> weights.positive("group_size", 1 << 20);
          default -> throw weights.wrong("strategy", "one of tensor, channel, group");
        };
    if (bits <= 4 && group % 2 != 0) {
      throw weights.wrong("group_size", "even at up to 4 bits");
    }
    boolean symmetric = weights.flag("symmetric", true);
    Optional<Input> input = input(all);
    boolean factors = input.isEmpty() && hasFactors(all.object("input_activations").get());
    return new Scheme(packing, bits, symmetric, group, strategy.equals("tensor"), input, factors);
  }

  private static String inferredStrategy(Config weights) {
    int size = weights.integer("group_size", 0);
    return size > 0 ? "group" : size < 0 ? "channel" : "tensor";
  }

  private static boolean hasFactors(Config input) {
    return input.text("strategy", "tensor").equals("channel");
  }

  private static Optional<Input> input(Config group) {
    Optional<Config> input = group.object("input_activations");
    if (input.isEmpty()) {
      return Optional.of(Input.FLOAT);
    }
    Config config = input.get();
    config.refuseOthers(QUANTIZATION_FIELDS);
    config.require("type", "int");
    if (config.positive("num_bits", 32, 8) != 8) {
      throw config.wrong("num_bits", "8 for inputs");
    }
    boolean symmetric = config.flag("symmetric", true);
    String strategy = config.text("strategy", "tensor");
    if (!config.flag("dynamic", false)) {
      if (!strategy.equals("tensor") && !hasFactors(config)) {
        throw config.wrong("strategy", "tensor or channel for inputs that are not dynamic");
      }
      return Optional.empty();
    }
    return switch (strategy) {
      case "token" -> Optional.of(symmetric ? Input.DYNAMIC_INT8_SYMMETRIC : Input.DYNAMIC_INT8);
      case "group" -> {
        if (config.integer("group_size", 0) != Input.BLOCK || !symmetric) {
          throw config.wrong("group_size", Input.BLOCK + " and symmetric for inputs in groups");
        }
        yield Optional.of(Input.BLOCK_INT8);
      }
      default -> throw config.wrong("strategy", "token or group for dynamic inputs");
    };
  }
}
