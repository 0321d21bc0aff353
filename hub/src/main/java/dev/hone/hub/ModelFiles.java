package dev.hone.hub;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which files of a published repository make up the model: configuration, tokenizer, and the
 * weights in one form, where many hold the same weights for several frameworks.
 */
final class ModelFiles {

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
          "modules.json",
          "sentence_bert_config.json",
          "config_sentence_transformers.json",
          "quantize_config.json",
          "README.md",
          "LICENSE",
          "LICENSE.md",
          "LICENSE.txt");

  /**
   * {@code 1_Pooling/config.json}, {@code 2_Dense/model.safetensors}: modules of
   * sentence-transformers.
   */
  private static final Pattern MODULE =
      Pattern.compile("\\d+_\\w+/(config\\.json|model\\.safetensors)");

  private static final Pattern SHARD = Pattern.compile("model-(\\d{5})-of-(\\d{5})\\.safetensors");

  private ModelFiles() {}

  /**
   * The files to fetch, weights last: a folder that has its weights is whole.
   *
   * @throws HubException if there are no weights that Hone reads
   */
  static List<String> needed(String repository, List<String> files) {
    List<String> weights = weights(files);
    if (weights.isEmpty()) {
      List<String> gguf = matching(files, file -> file.endsWith(".gguf"));
      if (gguf.size() == 1) {
        weights = gguf;
      } else {
        throw new HubException(
            repository
                + " has no weights that can be read: "
                + (gguf.isEmpty()
                    ? "neither model.safetensors nor model.onnx; files=" + files
                    : "name one of its GGUF files: "
                        + gguf.stream().map(file -> "hf:" + repository + '/' + file).toList()));
      }
    }
    List<String> needed = new ArrayList<>(matching(files, SMALL::contains));
    needed.addAll(matching(files, MODULE.asMatchPredicate()));
    needed.addAll(weights);
    return needed;
  }

  /**
   * Whether a folder's files are all that is needed of a model: its weights, all shards of them.
   */
  static boolean isWhole(List<String> files) {
    List<String> weights = weights(files);
    long shards = weights.stream().filter(SHARD.asMatchPredicate()).count();
    for (String file : weights) {
      Matcher shard = SHARD.matcher(file);
      if (shard.matches() && Integer.parseInt(shard.group(2)) != shards) {
        return false;
      }
    }
    return !weights.isEmpty() || files.stream().anyMatch(file -> file.endsWith(".gguf"));
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
