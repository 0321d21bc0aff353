package dev.hone.model.folder;

import dev.hone.model.Head;
import dev.hone.model.Linear;
import dev.hone.model.architecture.Layers;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.Formats;
import dev.hone.tensor.Activation;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The modules that {@code modules.json} lists, as a head: an encoder, a pooling, dense layers,
 * normalization, in this order. Another order is refused, for it would mean another computation.
 */
record SentenceModules(
    String encoder,
    Head.SentenceEmbedding head,
    int hidden,
    boolean poolPrompt,
    long weightFileBytes) {
  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_MODULES = 32;

  /** Pooling modes under their flags in the old spelling, in the order in which they are joined. */
  private static final Map<String, String> FLAGS = flags();

  /** The parts, which stand in this order. */
  private enum Part {
    TRANSFORMER,
    POOLING,
    DENSE,
    NORMALIZE
  }

  private record Module(Part part, String folder) {}

  private record Weighed(Head.Dense layer, long fileBytes) {}

  private record Pooled(List<Pooling> modes, int hidden, boolean poolPrompt) {}

  static SentenceModules read(Path folder, int dimensions, Arena arena) {
    List<Config> entries = Config.readList(folder.resolve("modules.json"));
    if (entries.size() > MAX_MODULES) {
      throw SentenceTransformerConfig.unsupported(
          folder, entries.size() + " modules; at most " + MAX_MODULES + " are read");
    }
    List<Module> modules = entries.stream().map(SentenceModules::module).toList();
    checkOrder(folder, modules);
    Pooled pooled = pooled(folder.resolve(modules.get(1).folder()));
    int width = pooled.hidden() * pooled.modes().size();
    List<Head.Dense> dense = new ArrayList<>();
    long weightFileBytes = 0;
    for (Module module : modules) {
      if (module.part() == Part.DENSE) {
        Weighed next = dense(folder, module.folder(), width, arena);
        dense.add(next.layer());
        weightFileBytes += next.fileBytes();
        width = dense.getLast().linear().out();
      } else if (module.part() == Part.NORMALIZE) {
        checkInput(folder.resolve(module.folder()).resolve("config.json"));
      }
    }
    if (dimensions > width) {
      throw new FormatException(
          folder.resolve("config_sentence_transformers.json")
              + ": truncate_dim="
              + dimensions
              + ": the vectors have "
              + width
              + " numbers only");
    }
    boolean normalize = modules.getLast().part() == Part.NORMALIZE;
    return new SentenceModules(
        modules.getFirst().folder(),
        new Head.SentenceEmbedding(pooled.modes(), List.copyOf(dense), normalize, dimensions),
        pooled.hidden(),
        pooled.poolPrompt(),
        weightFileBytes);
  }

  private static Module module(Config entry) {
    String type = entry.text("type");
    // The package has changed with every major version, the class names never.
    String name = type.substring(type.lastIndexOf('.') + 1);
    boolean ours = type.startsWith("sentence_transformers.");
    Part part = ours ? part(name) : null;
    if (part == null) {
      throw entry.wrong(
          "type", "one of sentence-transformers' Transformer, Pooling, Dense, Normalize");
    }
    String path = entry.text("path");
    if (!path.matches("[A-Za-z0-9_.-]*") || path.equals(".") || path.equals("..")) {
      throw entry.wrong("path", "a subfolder of the model's folder");
    }
    entry.refuseOthers(Set.of("idx", "name", "path", "type"));
    return new Module(part, path);
  }

  private static Part part(String type) {
    return switch (type) {
      case "Transformer" -> Part.TRANSFORMER;
      case "Pooling" -> Part.POOLING;
      case "Dense" -> Part.DENSE;
      case "Normalize" -> Part.NORMALIZE;
      default -> null;
    };
  }

  private static void checkOrder(Path folder, List<Module> modules) {
    String order = modules.stream().map(m -> m.part().name()).collect(Collectors.joining(" "));
    if (!order.matches("TRANSFORMER POOLING( DENSE)*( NORMALIZE)?")) {
      throw SentenceTransformerConfig.unsupported(
          folder,
          "the modules are "
              + order
              + "; supported is TRANSFORMER POOLING, then any number of DENSE,"
              + " then NORMALIZE or nothing");
    }
  }

  private static Pooled pooled(Path folder) {
    Config config = Config.read(folder.resolve("config.json"));
    Set<String> known = new HashSet<>(FLAGS.keySet());
    known.addAll(
        Set.of(
            "word_embedding_dimension", "embedding_dimension", "pooling_mode", "include_prompt"));
    config.refuseOthers(known);
    String dimension =
        config.has("embedding_dimension") ? "embedding_dimension" : "word_embedding_dimension";
    return new Pooled(
        modes(config), config.positive(dimension, MAX_WIDTH), config.flag("include_prompt", true));
  }

  private static List<Pooling> modes(Config config) {
    if (config.has("pooling_mode")) {
      boolean one = config.json().get("pooling_mode").isTextual();
      List<String> modes =
          one ? List.of(config.text("pooling_mode")) : config.texts("pooling_mode");
      if (modes.isEmpty() || modes.size() > FLAGS.size()) {
        throw config.wrong("pooling_mode", "1 to " + FLAGS.size() + " of " + FLAGS.values());
      }
      return modes.stream().map(mode -> pooling(config, mode)).toList();
    }
    List<Pooling> modes = new ArrayList<>();
    FLAGS.forEach(
        (flag, mode) -> {
          if (config.flag(flag, false)) {
            modes.add(pooling(config, mode));
          }
        });
    return modes.isEmpty() ? List.of(Pooling.MEAN) : List.copyOf(modes);
  }

  private static Pooling pooling(Config config, String mode) {
    return switch (mode) {
      case "cls" -> Pooling.CLS;
      case "max" -> Pooling.MAX;
      case "mean" -> Pooling.MEAN;
      case "mean_sqrt_len_tokens" -> Pooling.MEAN_SQRT_LEN;
      case "weightedmean" -> Pooling.WEIGHTED_MEAN;
      case "lasttoken" -> Pooling.LAST_TOKEN;
      default -> throw config.wrong("pooling_mode", "of " + FLAGS.values());
    };
  }

  private static Map<String, String> flags() {
    Map<String, String> flags = new LinkedHashMap<>();
    flags.put("pooling_mode_cls_token", "cls");
    flags.put("pooling_mode_max_tokens", "max");
    flags.put("pooling_mode_mean_tokens", "mean");
    flags.put("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens");
    flags.put("pooling_mode_weightedmean_tokens", "weightedmean");
    flags.put("pooling_mode_lasttoken", "lasttoken");
    return flags;
  }

  private static Weighed dense(Path folder, String name, int width, Arena arena) {
    Path place = folder.resolve(name);
    Config config = Config.read(place.resolve("config.json"));
    config.refuseOthers(
        Set.of(
            "in_features",
            "out_features",
            "bias",
            "activation_function",
            "module_input_name",
            "module_output_name",
            "use_residual"));
    checkInput(place.resolve("config.json"));
    if (config.flag("use_residual", false)) {
      throw config.wrong("use_residual", "false (nothing else is supported yet)");
    }
    if (config.positive("in_features", MAX_WIDTH) != width) {
      throw config.wrong("in_features", width + ", the width of what stands before it");
    }
    Checkpoint checkpoint = new InFolder(name, Formats.open(place, arena));
    Layers layers = new Layers(checkpoint, arena);
    String layer = name + "/linear";
    Linear linear = layers.linear(layer, config.positive("out_features", MAX_WIDTH), width);
    boolean bias = linear.bias() != null;
    if (config.flag("bias", true) != bias) {
      throw config.wrong("bias", bias + ", as the weights have it");
    }
    return new Weighed(new Head.Dense(linear, activation(config)), checkpoint.fileBytes());
  }

  private static Activation activation(Config config) {
    return switch (config.text("activation_function", "torch.nn.modules.activation.Tanh")) {
      case "torch.nn.modules.activation.Tanh" -> Activation.TANH;
      case "torch.nn.modules.activation.ReLU" -> Activation.RELU;
      case "torch.nn.modules.activation.GELU" -> Activation.GELU;
      case "torch.nn.modules.activation.SiLU" -> Activation.SILU;
      case "torch.nn.modules.linear.Identity" -> Activation.NONE;
      default ->
          throw config.wrong("activation_function", "torch's Tanh, ReLU, GELU, SiLU or Identity");
    };
  }

  /** A module that reads or writes anything but the text's vector is not what the head does. */
  private static void checkInput(Path file) {
    if (Files.exists(file)) {
      Config config = Config.read(file);
      config.require("module_input_name", "sentence_embedding");
      config.require("module_output_name", "sentence_embedding");
    }
  }

  /** The tensors of a subfolder, under names that say so. */
  private record InFolder(String folder, Checkpoint checkpoint) implements Checkpoint {
    @Override
    public String source() {
      return checkpoint.source();
    }

    @Override
    public Set<String> names() {
      return checkpoint.names().stream()
          .map(name -> folder + "/" + name)
          .collect(Collectors.toUnmodifiableSet());
    }

    @Override
    public Tensor tensor(String name) {
      return checkpoint.tensor(name.substring(folder.length() + 1));
    }

    @Override
    public long fileBytes() {
      return checkpoint.fileBytes();
    }
  }
}
