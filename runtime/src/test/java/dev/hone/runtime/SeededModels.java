package dev.hone.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Transformer;
import dev.hone.model.architecture.Architectures;
import dev.hone.model.architecture.Layers;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Decoders of three layers with seeded random weights, one of each family: their configs and the
 * names and shapes of their weights stand in the test resources.
 */
public final class SeededModels {
  /** Files in the resources. */
  public static final List<String> FAMILIES =
      List.of(
          "gemma2",
          "gemma3",
          "gpt-neox",
          "gpt2",
          "llama",
          "llama-linear",
          "llama-yarn",
          "llama3-rope",
          "mistral",
          "mixtral",
          "olmo2",
          "phi3",
          "qwen2",
          "qwen3",
          "qwen3-moe");

  private SeededModels() {}

  /** A model whose weights live in an arena. */
  public static Transformer of(String family, Arena arena) {
    return of(family, arena, config -> {});
  }

  /** A model with another config. */
  public static Transformer of(String family, Arena arena, Consumer<ObjectNode> change) {
    JsonNode file = read(family);
    ObjectNode json = (ObjectNode) file.get("config");
    var weights = new Weights(family, new HashMap<>());
    file.get("tensors")
        .properties()
        .forEach(e -> weights.make(e.getKey(), e.getValue(), json, arena));
    change.accept(json);
    Config config = new Config(family, json);
    return Architectures.of(config).read(config, new Layers(weights, arena));
  }

  /**
   * Writes a model as a folder, with a tokenizer whose tokens are the bytes of UTF-8, and four
   * special ones in place of bytes that UTF-8 has not.
   */
  public static Path folder(String family, Path into) throws IOException {
    JsonNode file = read(family);
    ObjectNode json = (ObjectNode) file.get("config");
    try (Arena arena = Arena.ofConfined()) {
      var weights = new Weights(family, new HashMap<>());
      file.get("tensors")
          .properties()
          .forEach(e -> weights.make(e.getKey(), e.getValue(), json, arena));
      SafetensorsWriter.write(into.resolve("model.safetensors"), weights.tensors(), Map.of());
    }
    new JsonMapper().writeValue(into.resolve("config.json").toFile(), json);
    for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
      try (InputStream text =
          SeededModels.class.getResourceAsStream("/dev/hone/runtime/decoder/" + name)) {
        Files.copy(text, into.resolve(name), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    return into;
  }

  private static JsonNode read(String family) {
    try (InputStream file =
        SeededModels.class.getResourceAsStream("/dev/hone/runtime/families/" + family + ".json")) {
      return new JsonMapper().readTree(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private record Weights(String source, Map<String, Tensor> tensors) implements Checkpoint {

    /** A star stands for the index of a layer, a second one for that of an expert. */
    void make(String name, JsonNode shape, ObjectNode config, Arena arena) {
      int star = name.indexOf('*');
      if (star < 0) {
        float neutral = source.startsWith("gemma") ? 0 : 1; // of a norm's weight
        tensors.put(name, random(name, shape, neutral, arena));
        return;
      }
      boolean expert = name.startsWith("experts", star - "experts.".length());
      int count =
          expert
              ? config.get("num_local_experts").asInt()
              : config.path("num_hidden_layers").asInt(config.path("n_layer").asInt());
      for (int i = 0; i < count; i++) {
        make(name.substring(0, star) + i + name.substring(star + 1), shape, config, arena);
      }
    }

    /** Larger than usual, so that every layer shows in the answer; norms around their neutral. */
    private static Tensor random(String name, JsonNode shape, float neutral, Arena arena) {
      Random random = new Random(name.hashCode());
      boolean matrix = shape.size() == 2;
      long rows = matrix ? shape.get(0).asLong() : 1;
      long cols = shape.get(shape.size() - 1).asLong();
      float[] values = new float[Math.toIntExact(rows * cols)];
      for (int i = 0; i < values.length; i++) {
        float normal = (float) random.nextGaussian();
        values[i] = matrix || name.endsWith("bias") ? 0.1f * normal : neutral + 0.3f * normal;
      }
      return matrix ? Tensor.copyOf(arena, values, rows, cols) : Tensor.copyOf(arena, values, cols);
    }

    @Override
    public Set<String> names() {
      return tensors.keySet();
    }

    @Override
    public Tensor tensor(String name) {
      Tensor tensor = tensors.get(name);
      if (tensor == null) {
        throw new FormatException(source + ": there is no tensor=" + name);
      }
      return tensor;
    }

    @Override
    public long fileBytes() {
      return tensors.values().stream().mapToLong(t -> Plain.F32.rowBytes(t.size())).sum();
    }
  }
}
