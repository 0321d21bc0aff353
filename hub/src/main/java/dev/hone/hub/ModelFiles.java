package dev.hone.hub;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which files of a published repository make up the model: configuration, tokenizer, and the
 * weights in one form, where many hold the same weights for several frameworks.
 *
 * @param encoder where configuration, tokenizer and weights stand: {@code 0_Transformer/} in some
 *     old repositories of sentence-transformers, else empty
 */
record ModelFiles(String encoder) {

  static final String MODULES = "modules.json";
  private static final long MAX_MODULES_BYTES = 1 << 20;

  private static final Set<String> SMALL =
      Set.of(
          "config.json",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.txt",
          "vocab.json",
          "merges.txt",
          "chat_template.jinja",
          "chat_template.json",
          MODULES,
          "config_sentence_transformers.json",
          "quantize_config.json",
          "README.md",
          "LICENSE",
          "LICENSE.md",
          "LICENSE.txt");

  /** {@code sentence_bert_config.json}: sentence-transformers' settings of an encoder. */
  private static final Pattern ENCODER_SETTINGS = Pattern.compile("sentence_[a-z-]+_config\\.json");

  /**
   * {@code 1_Pooling/config.json}, {@code 2_Dense/model.safetensors}: modules of
   * sentence-transformers.
   */
  private static final Pattern MODULE =
      Pattern.compile("\\d+_\\w+/(config\\.json|model\\.safetensors)");

  private static final Pattern SHARD = Pattern.compile("model-(\\d{5})-of-(\\d{5})\\.safetensors");

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * The files of a model that lies in a folder, or begins to.
   *
   * @throws HubException if the folder's {@code modules.json} is no JSON
   */
  static ModelFiles of(Path folder) throws IOException {
    Path modules = folder.resolve(MODULES);
    if (!Files.isRegularFile(modules)) {
      return new ModelFiles("");
    }
    if (Files.size(modules) > MAX_MODULES_BYTES) {
      throw new HubException(
          modules + " has " + Files.size(modules) + " bytes; at most " + MAX_MODULES_BYTES);
    }
    JsonNode first;
    try {
      first = JSON.readTree(Files.readAllBytes(modules)).path(0);
    } catch (JacksonException e) {
      throw new HubException(modules + " is not JSON: " + e.getOriginalMessage(), e);
    }
    String path = first.path("path").asText();
    return new ModelFiles(path.isEmpty() ? "" : path + '/');
  }

  /**
   * The files to fetch, weights last: a folder that has its weights is whole.
   *
   * @throws HubException if there are no weights that Hone reads
   */
  List<String> needed(String repository, List<String> files) {
    List<String> weights = inEncoder(weights(encoderFiles(files)));
    if (weights.isEmpty()) {
      List<String> gguf = matching(files, file -> file.endsWith(".gguf"));
      if (gguf.size() == 1) {
        weights = gguf;
      } else {
        throw new HubException(
            repository
                + " has no weights that can be read: "
                + (gguf.isEmpty()
                    ? "neither "
                        + encoder
                        + "model.safetensors nor "
                        + encoder
                        + "model.onnx; files="
                        + files
                    : "name one of its GGUF files: "
                        + gguf.stream().map(file -> "hf:" + repository + '/' + file).toList()));
      }
    }
    Set<String> needed = new LinkedHashSet<>(matching(files, ModelFiles::isSmall));
    needed.addAll(matching(files, MODULE.asMatchPredicate()));
    needed.addAll(inEncoder(matching(encoderFiles(files), ModelFiles::isSmall)));
    weights.forEach(needed::remove); // they come last
    needed.addAll(weights);
    return List.copyOf(needed);
  }

  /**
   * Whether a folder's files are all that is needed of a model: its weights, all shards of them.
   */
  boolean isWhole(List<String> files) {
    List<String> weights = weights(encoderFiles(files));
    long shards = weights.stream().filter(SHARD.asMatchPredicate()).count();
    for (String file : weights) {
      Matcher shard = SHARD.matcher(file);
      if (shard.matches() && Integer.parseInt(shard.group(2)) != shards) {
        return false;
      }
    }
    return !weights.isEmpty() || files.stream().anyMatch(file -> file.endsWith(".gguf"));
  }

  private static boolean isSmall(String file) {
    return SMALL.contains(file) || ENCODER_SETTINGS.matcher(file).matches();
  }

  /** Names of the encoder's files as they are in its folder. */
  private List<String> encoderFiles(List<String> files) {
    return files.stream()
        .filter(file -> file.startsWith(encoder))
        .map(file -> file.substring(encoder.length()))
        .toList();
  }

  private List<String> inEncoder(List<String> names) {
    return names.stream().map(encoder::concat).toList();
  }

  private static List<String> weights(List<String> files) {
    if (files.contains("model.safetensors")) {
      return List.of("model.safetensors");
    }
    List<String> shards = matching(files, SHARD.asMatchPredicate());
    if (!shards.isEmpty()) {
      shards.addFirst("model.safetensors.index.json");
      return shards;
    }
    for (String onnx : List.of("model.onnx", "onnx/model.onnx")) {
      if (files.contains(onnx)) { // a model of more than 2 GB keeps its numbers beside it
        List<String> both =
            matching(files, file -> file.equals(onnx + "_data") || file.equals(onnx + ".data"));
        both.addLast(onnx);
        return both;
      }
    }
    return List.of();
  }

  private static List<String> matching(List<String> files, Predicate<String> wanted) {
    return files.stream().filter(wanted).sorted().collect(Collectors.toCollection(ArrayList::new));
  }
}
