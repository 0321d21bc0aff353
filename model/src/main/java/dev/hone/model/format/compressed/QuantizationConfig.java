package dev.hone.model.format.compressed;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The {@code quantization_config} of a compressed-tensors model: which layers are quantized, and how.
 * What it says and we do not do is an error.
 *
 * <p>Targets name a layer, its PyTorch class, or a pattern after {@code re:}; the most exact one holds.
 * A checkpoint does not tell classes: layers with {@code embed} in the last part of their name are
 * taken for {@code Embedding}, all others for {@code Linear}.
 */
final class QuantizationConfig {
  private static final String REGEX = "re:";

  private static final Set<String> FIELDS =
      Set.of(
          "quant_method",
          "format",
          "config_groups",
          "ignore",
          "quantization_status",
          "kv_cache_scheme",
          "sparsity_config",
          "transform_config",
          // Says nothing of the numbers:
          "version",
          "global_compression_ratio",
          "run_compressed");

  private final String source;
  private final Map<String, Optional<Scheme>> byName = new HashMap<>();
  private final Map<LayerPattern, Optional<Scheme>> byPattern = new TreeMap<>();
  private final Set<String> ignoredNames;
  private final List<LayerPattern> ignoredPatterns;

  private QuantizationConfig(String source, Set<String> ignored, List<LayerPattern> patterns) {
    this.source = source;
    this.ignoredNames = ignored;
    this.ignoredPatterns = patterns;
  }

  static QuantizationConfig read(Config config) {
    config.refuseOthers(FIELDS);
    if (!config.text("quant_method", "compressed-tensors").equals("compressed-tensors")) {
      throw config.wrong("quant_method", "compressed-tensors (nothing else is supported yet)");
    }
    if (config.has("kv_cache_scheme")) {
      throw config.wrong("kv_cache_scheme", "null (nothing else is supported yet)");
    }
    refuseUnlessEmpty(config, "transform_config");
    Optional<Config> sparsity = config.object("sparsity_config");
    if (sparsity.isPresent() && !sparsity.get().text("format", "dense").equals("dense")) {
      throw config.wrong("sparsity_config", "dense (nothing else is supported yet)");
    }
    checkStatus(config);
    List<String> ignore = config.texts("ignore");
    QuantizationConfig read =
        new QuantizationConfig(
            config.source(),
            new HashSet<>(ignore.stream().filter(i -> !i.startsWith(REGEX)).toList()),
            ignore.stream()
                .filter(i -> i.startsWith(REGEX))
                .map(i -> new LayerPattern(config.source(), i.substring(REGEX.length())))
                .toList());
    read.readGroups(config);
    return read;
  }

  private static void checkStatus(Config config) {
    String status = config.text("quantization_status", "compressed");
    // Files of 2024 say frozen of compressed weights.
    if (!status.equals("compressed") && !status.equals("frozen")) {
      throw config.wrong("quantization_status", "compressed");
    }
  }

  private static void refuseUnlessEmpty(Config config, String field) {
    if (config.object(field).map(c -> !c.json().isEmpty()).orElse(false)) {
      throw config.wrong(field, "empty (nothing else is supported yet)");
    }
  }

  private void readGroups(Config config) {
    Config groups =
        config
            .object("config_groups")
            .orElseThrow(() -> new FormatException(source + ": config_groups is missing"));
    String format = config.text("format", "unknown");
    for (Map.Entry<String, JsonNode> field : groups.json().properties()) {
      Config group =
          groups
              .object(field.getKey())
              .orElseThrow(() -> groups.wrong(field.getKey(), "an object"));
      Optional<Scheme> scheme = Scheme.read(group, format);
      for (String target : group.texts("targets")) {
        boolean twice =
            target.startsWith(REGEX)
                ? byPattern.put(
                        new LayerPattern(source, target.substring(REGEX.length())), scheme)
                    != null
                : byName.put(target, scheme) != null;
        if (twice) {
          throw group.wrong("targets", "other ones than another group's: " + target);
        }
      }
    }
  }

  /** How a layer is quantized; nothing where it is left as it is. */
  Optional<Scheme> scheme(String layer) {
    String type = typeOf(layer);
    if (ignoredNames.contains(layer)
        || ignoredNames.contains(type)
        || ignoredPatterns.stream().anyMatch(p -> p.matches(layer))) {
      return Optional.empty();
    }
    if (byName.containsKey(layer)) {
      return byName.get(layer);
    }
    for (var pattern : byPattern.entrySet()) {
      if (pattern.getKey().matches(layer)) {
        return pattern.getValue();
      }
    }
    return byName.getOrDefault(type, Optional.empty());
  }

  /** The PyTorch class that a layer of this name is taken for. */
  static String typeOf(String layer) {
    String last = layer.substring(layer.lastIndexOf('.') + 1);
    boolean embedding = last.contains("embed") || last.equals("wte") || last.equals("wpe");
    return embedding ? "Embedding" : "Linear";
  }
}
