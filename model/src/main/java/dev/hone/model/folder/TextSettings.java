package dev.hone.model.folder;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a folder says of the texts that its model reads.
 *
 * @param maxTokens tokens of a text that are read, special ones among them, where the folder says it
 * @param prompts texts put before a text, by name
 * @param defaultPrompt name of the prompt that is used where none is asked
 */
public record TextSettings(
    OptionalInt maxTokens, Map<String, String> prompts, Optional<String> defaultPrompt) {

  public TextSettings {
    prompts = Map.copyOf(prompts);
  }

  static TextSettings none() {
    return new TextSettings(OptionalInt.empty(), Map.of(), Optional.empty());
  }
}
