package dev.hone.model.folder;

import dev.hone.model.folder.SentenceTransformerConfig.Similarity;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a folder says of the texts that its model reads, and of the vectors it makes.
 *
 * @param maxTokens tokens of a text that are read, special ones among them, where the folder says
 *     it
 * @param lowerCase whether texts are put in lower case before they become tokens
 * @param prompts texts put before a text, by name
 * @param defaultPrompt name of the prompt that is used where none is asked
 * @param poolPrompt whether the tokens of a prompt are pooled with those of the text
 * @param similarity how vectors are compared
 */
public record TextSettings(
    OptionalInt maxTokens,
    boolean lowerCase,
    Map<String, String> prompts,
    Optional<String> defaultPrompt,
    boolean poolPrompt,
    Similarity similarity) {

  public TextSettings {
    prompts = Map.copyOf(prompts);
  }

  static TextSettings none() {
    return new TextSettings(
        OptionalInt.empty(), false, Map.of(), Optional.empty(), true, Similarity.COSINE);
  }

  static TextSettings of(SentenceTransformerConfig config) {
    return new TextSettings(
        config.maxTokens(),
        config.lowerCase(),
        config.prompts(),
        config.defaultPrompt(),
        config.poolPrompt(),
        config.similarity());
  }
}
