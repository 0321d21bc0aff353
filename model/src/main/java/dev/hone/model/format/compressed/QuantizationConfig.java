package dev.hone.model.format.compressed;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The {@code quantization_config} of a compressed-tensors model: which layers are quantized, and
 * how. What it says and we do not do is an error.
 *
 * <p>Targets name a layer, its PyTorch class, or a pattern after {@code re:}; the most exact one
 * holds. A checkpoint does not tell classes: layers with {@code embed} in the last part of their
 * name are taken for {@code Embedding}, all others for {@code Linear}.
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

  private final Config config;
  private final boolean sparse;
  private final LayerPatterns patterns;

  /** Schemes by layer or class; nothing for a group that leaves its layers as they are. */
  private final Map<String, Optional<Scheme>> byName = new HashMap<>();

  private final Map<String, Optional<Scheme>> byPattern = new TreeMap<>();
  private final Map<String, Pattern> compiled = new HashMap<>();
  private final Set<String> ignored;

  private QuantizationConfig(Config config, boolean sparse) {
    this.config = config;
    this.sparse = sparse;
    this.patterns = new LayerPatterns(config.source());
    this.ignored = new LinkedHashSet<>(config.texts("ignore"));
    ignored.forEach(this::compile);
  }

  static QuantizationConfig read(Config config) {
    if (!config.text("quant_method").equals("compressed-tensors")) {
      throw config.wrong(
          "quant_method", "compressed-tensors, gptq or awq (nothing else is supported yet)");
    }
    config.refuseOthers(FIELDS);
    if (config.has("kv_cache_scheme")) {
      throw config.wrong("kv_cache_scheme", "null (nothing else is supported yet)");
    }
    refuseUnlessEmpty(config, "transform_config");
    String sparsity =
        config.object("sparsity_config").map(c -> c.text("format", "dense")).orElse("dense");
    if (!sparsity.equals("dense") && !sparsity.equals(Bitmasks.FORMAT)) {
      throw config.wrong(
          "sparsity_config", "dense or " + Bitmasks.FORMAT + " (nothing else is supported yet)");
    }
    checkStatus(config);
    QuantizationConfig read = new QuantizationConfig(config, sparsity.equals(Bitmasks.FORMAT));
    if (config.has("config_groups") || !read.sparse) {
      read.readGroups();
    }
    return read;
  }

  /** Whether weights lie as {@link Bitmasks}. */
  boolean sparse() {
    return sparse;
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

  private void readGroups() {
    Config groups =
        config
            .object("config_groups")
            .orElseThrow(() -> new FormatException(config.source() + ": config_groups is missing"));
    String format = config.text("format", "unknown");
    for (Map.Entry<String, JsonNode> field : groups.json().properties()) {
      Config group =
          groups
              .object(field.getKey())
              .orElseThrow(() -> groups.wrong(field.getKey(), "an object"));
      Optional<Scheme> scheme = Scheme.read(group, format);
      for (String target : group.texts("targets")) {
        compile(target);
        if ((target.startsWith(REGEX) ? byPattern : byName).put(target, scheme) != null) {
          throw group.wrong("targets", "other ones than another group's " + target);
        }
      }
    }
  }

  private void compile(String target) {
    if (target.startsWith(REGEX)) {
      compiled.put(target, patterns.compile(target.substring(REGEX.length())));
    }
  }

  /** How a layer is quantized; nothing where it is left as it is. */
  Optional<Scheme> scheme(String layer) {
    String type = typeOf(layer);
    if (ignored.contains(layer)
        || ignored.contains(type)
        || ignored.stream().anyMatch(target -> matches(target, layer))) {
      return Optional.empty();
    }
    if (byName.containsKey(layer)) {
      return byName.get(layer);
    }
    for (var target : byPattern.entrySet()) {
      if (matches(target.getKey(), layer)) {
        return target.getValue();
      }
    }
    return byName.getOrDefault(type, Optional.empty());
  }

  private boolean matches(String target, String layer) {
    Pattern pattern = compiled.get(target);
    return pattern != null && patterns.matches(pattern, layer);
  }

  /** The PyTorch class that a layer of this name is taken for. */
  static String typeOf(String layer) {
    String last = layer.substring(layer.lastIndexOf('.') + 1);
    boolean embedding = last.contains("embed") || last.equals("wte") || last.equals("wpe");
    return embedding ? "Embedding" : "Linear";
  }
}
