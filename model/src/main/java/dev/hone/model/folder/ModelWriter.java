package dev.hone.model.folder;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.architecture.LayerCount;
import dev.hone.model.architecture.LayerInputs;
import dev.hone.model.architecture.LayerWidths;
import dev.hone.model.format.Beside;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.compressed.CompressedTensors;
import dev.hone.model.format.compressed.Encoded;
import dev.hone.model.format.onnx.OnnxWriter;
import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.tensor.FileArena;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Writes a changed model as a folder like the one it came from: weights as safetensors, quantized
 * ones in the compressed-tensors layout, or an encoder whole as ONNX; the tokenizer and
 * sentence-transformers' files copied. The folder appears whole or not at all.
 */
public final class ModelWriter {
  /**
   * What stands beside weights in a published folder and describes the model, not one file of it.
   */
  private static final List<String> COMPANIONS =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.txt",
          "vocab.json",
          "merges.txt",
          "sentencepiece.bpe.model",
          "spiece.model",
          "tokenizer.model",
          "modules.json",
          "config_sentence_transformers.json",
          "generation_config.json",
          "chat_template.jinja",
          "LICENSE",
          "LICENSE.md",
          "LICENSE.txt",
          "NOTICE");

  private static final JsonMapper JSON = new JsonMapper();

  private ModelWriter() {}

  /**
   * Writes a folder, in place of one that this wrote before.
   *
   * @param source the model that {@code result} was made from
   * @param provenance written as {@code hone.json}: where the model comes from and what was
   *     measured
   * @param target must not exist, or be a folder that this wrote before
   */
  public static void write(Model source, Transformer result, ObjectNode provenance, Path target)
      throws IOException {
    write(source, result, ModelWriter::safetensors, provenance, target);
  }

  /**
   * Writes a folder with a {@code model.onnx}, in place of one that this wrote before.
   *
   * @param source an encoder, not of a GGUF file: that has no tokenizer for others to read
   */
  public static void writeOnnx(Model source, Transformer result, ObjectNode provenance, Path target)
      throws IOException {
    if (source.metadata().isPresent()) {
      throw new FormatException(
          source.source() + ": ONNX is written of folders, whose tokenizer others read too");
    }
    write(source, result, ModelWriter::onnx, provenance, target);
  }

  /** Puts a model's weights into a folder. */
  @FunctionalInterface
  private interface Weights {
    /**
     * @param encoder where the encoder's files stand
     * @param config takes what readers must know of the weights
     */
    void write(Transformer model, Path folder, Path encoder, ObjectNode config) throws IOException;
  }

  private static void write(
      Model source, Transformer result, Weights weights, ObjectNode provenance, Path target)
      throws IOException {
    refuseForeign(target);
    Files.createDirectories(target.toAbsolutePath().getParent());
    // Not a temporary directory of the JDK's: those are closed to other users, and this one stays.
    Path beside = Files.createDirectory(Beside.of(target));
    try {
      fill(source, result, weights, provenance, beside);
      move(beside, target);
    } finally {
      delete(beside);
    }
  }

  /**
   * Moves a folder that this wrote, in place of one that this wrote before: where that fails, the
   * one before stands there as it did.
   */
  public static void move(Path folder, Path target) throws IOException {
    refuseForeign(target);
    if (!Files.exists(target)) {
      Files.move(folder, target, StandardCopyOption.ATOMIC_MOVE);
      Beside.deleteLeftovers(target);
      return;
    }
    Path old = Beside.of(target);
    Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
    try {
      Files.move(folder, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException | RuntimeException e) {
      try {
        Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException lost) {
        e.addSuppressed(new IOException(target + " stands in " + old + " now", lost));
      }
      throw e;
    }
    delete(old);
    Beside.deleteLeftovers(target);
  }

  /**
   * Refuses to write over what Hone has not written, and where nothing can be written.
   *
   * @throws FormatException if the target exists and is no folder that this wrote, or if there can
   *     be none
   */
  public static void refuseForeign(Path target) {
    Beside.requireRoom(target);
    if (Files.exists(target) && !Files.exists(target.resolve("hone.json"))) {
      throw new FormatException(
          target + " exists and was not written by Hone: name another folder, or remove it");
    }
  }

  /** Writes {@code hone.json}, which also marks a folder as Hone's. */
  public static void writeProvenance(Path folder, ObjectNode provenance) throws IOException {
    writeJson(folder.resolve("hone.json"), provenance);
  }

  private static void fill(
      Model source, Transformer result, Weights weights, ObjectNode provenance, Path folder)
      throws IOException {
    // The encoder's files stand in a subfolder where modules.json says so.
    Path encoder = folder.resolve(source.folder().relativize(source.encoderFolder()));
    Files.createDirectories(encoder);
    ObjectNode config = source.config().json().deepCopy();
    config.remove("quantization_config");
    LayerCount.write(source.transformer(), result, config);
    LayerWidths.write(source.transformer(), result, config);
    LayerInputs.write(result, config);
    weights.write(result, folder, encoder, config);
    writeJson(encoder.resolve("config.json"), config);
    writeProvenance(folder, provenance);
    copyCompanions(source.folder(), folder);
    if (!encoder.equals(folder)) {
      copyCompanions(source.encoderFolder(), encoder);
    }
  }

  private static void safetensors(Transformer model, Path folder, Path encoder, ObjectNode config)
      throws IOException {
    try (Arena arena = new FileArena(folder.resolve("room"))) {
      Encoded encoded = CompressedTensors.encode(model, arena);
      encoded.quantizationConfig().ifPresent(q -> config.set("quantization_config", q));
      safetensors(encoded.tensors(), folder, encoder);
    }
  }

  private static void onnx(Transformer model, Path folder, Path encoder, ObjectNode config)
      throws IOException {
    OnnxWriter.write(encoder.resolve("model.onnx"), model);
    // sentence-transformers runs the encoder alone, and its modules from their own folders.
    Map<String, Tensor> modules = new TreeMap<>();
    model.weights().stream()
        .filter(weight -> weight.name().contains("/"))
        .forEach(weight -> modules.put(weight.name(), weight.tensor()));
    safetensors(modules, folder, encoder);
  }

  private static void safetensors(Map<String, Tensor> tensors, Path folder, Path encoder)
      throws IOException {
    for (var file : byFolder(tensors).entrySet()) {
      Path weights =
          (file.getKey().isEmpty() ? encoder : folder.resolve(file.getKey()))
              .resolve("model.safetensors");
      Files.createDirectories(weights.getParent());
      SafetensorsWriter.write(weights, file.getValue(), Map.of("format", "pt"));
    }
  }

  /** Tensors under the subfolder that their names start with, as {@link Weight} says. */
  private static Map<String, Map<String, Tensor>> byFolder(Map<String, Tensor> tensors) {
    var files = new TreeMap<String, Map<String, Tensor>>();
    tensors.forEach(
        (name, tensor) -> {
          int slash = name.lastIndexOf('/');
          files
              .computeIfAbsent(name.substring(0, Math.max(slash, 0)), _ -> new TreeMap<>())
              .put(name.substring(slash + 1), tensor);
        });
    return files;
  }

  private static void copyCompanions(Path from, Path to) throws IOException {
    copy(COMPANIONS, from, to);
    copy(SentenceTransformerConfig.ENCODER_SETTINGS, from, to);
    // sentence-transformers' modules: 1_Pooling/config.json and the like.
    try (Stream<Path> folders = Files.list(from)) {
      for (Path module :
          folders.filter(f -> Files.isRegularFile(f.resolve("config.json"))).toList()) {
        Path copy =
            Files.createDirectories(to.resolve(module.getFileName())).resolve("config.json");
        if (!Files.exists(copy)) {
          Files.copy(module.resolve("config.json"), copy);
        }
      }
    }
  }

  private static void copy(List<String> names, Path from, Path to) throws IOException {
    for (String name : names) {
      if (Files.isRegularFile(from.resolve(name))) {
        Files.copy(from.resolve(name), to.resolve(name));
      }
    }
  }

  private static void writeJson(Path file, ObjectNode json) throws IOException {
    Files.writeString(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
  }

  /** Removes a folder where nobody can be told that it failed, such as while the JVM ends. */
  public static void deleteQuietly(Path folder) {
    try {
      delete(folder);
    } catch (IOException e) {
      System.getLogger("dev.hone").log(System.Logger.Level.WARNING, folder + " is left over", e);
    }
  }

  /** Removes a folder with all that is in it, where there is one. */
  public static void delete(Path folder) throws IOException {
    Beside.delete(folder);
  }
}
