package dev.hone.tokenizer;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The tokenizer that a GGUF file carries under {@code tokenizer.ggml.*}.
 *
 * @param source what messages call the file
 * @param name {@code general.name}, by which llama.cpp knows what the file does not say; may be
 *     empty
 * @param model {@code gpt2}: byte-level BPE, {@code llama}: SentencePiece with scores, {@code
 *     bert}: WordPiece
 * @param pre how byte-level BPE cuts a text before it is merged
 * @param tokens by id
 * @param types one a token, numbered as {@link GgufTokenType}; empty where all are normal
 * @param scores one a token, of {@code llama}; empty for others
 * @param merges {@code left right}, the first the most urgent, of {@code gpt2}; empty for others
 * @param roles {@code bos}, {@code eos}, {@code unk}, {@code sep}, {@code pad}, {@code cls}, {@code
 *     mask} to ids
 * @param addBos whether a text begins with the first of them; empty: as is usual for the model
 * @param addEos whether it ends with the second
 * @param addSpacePrefix whether {@code llama} puts a space before a text
 */
public record GgufVocabulary(
    String source,
    String name,
    String model,
    String pre,
    List<String> tokens,
    int[] types,
    float[] scores,
    List<String> merges,
    Map<String, Integer> roles,
    Optional<Boolean> addBos,
    Optional<Boolean> addEos,
    Optional<Boolean> addSpacePrefix) {

  public GgufVocabulary {
    tokens = List.copyOf(tokens);
    int size = tokens.size();
    merges = List.copyOf(merges);
    roles = Map.copyOf(roles);
    count(source, "token_type", types.length, size);
    count(source, "scores", scores.length, size);
    roles.forEach(
        (role, id) -> {
          if (id < 0 || id >= size) {
            throw new TokenizerException(
                "No such token: file="
                    + source
                    + ", tokenizer.ggml."
                    + role
                    + "_token_id="
                    + id
                    + ", tokens="
                    + size);
          }
        });
  }

  private static void count(String source, String key, int found, int tokens) {
    if (found != 0 && found != tokens) {
      throw new TokenizerException(
          "Wrong length: file="
              + source
              + ", tokenizer.ggml."
              + key
              + " has "
              + found
              + ", tokens="
              + tokens);
    }
  }

  GgufTokenType type(int id) {
    return types.length == 0 ? GgufTokenType.NORMAL : GgufTokenType.of(types[id]);
  }

  /** The token of a role, where the file names one. */
  Optional<String> token(String role) {
    return Optional.ofNullable(roles.get(role)).map(tokens::get);
  }
}
