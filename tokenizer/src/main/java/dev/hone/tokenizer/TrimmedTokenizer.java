package dev.hone.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * A tokenizer with fewer tokens, which cuts the texts that it was made for as before: with those
 * that the texts need, all added ones, and single characters and bytes, so that every text can
 * still be cut. Tokens keep their order and are counted anew.
 *
 * <p>WordPiece takes the longest token that fits, so one that was never taken is not missed. BPE
 * keeps the parts of all that it keeps, and every merge that gives one of them: those that the
 * texts met are all there, in their order.
 */
public final class TrimmedTokenizer {
  private static final String TOKENIZER = "tokenizer.json";
  private static final String CONFIG = "tokenizer_config.json";
  private static final Pattern BYTE = Pattern.compile("<0x[0-9A-F]{2}>");

  /** The same vocabulary in files of older libraries, which is not written anew. */
  private static final List<String> OLDER_FILES =
      List.of("vocab.txt", "vocab.json", "merges.txt", "added_tokens.json");

  private final Path file;
  private final ObjectNode json;
  private final int[] kept;
  private final Map<Integer, Integer> places = new HashMap<>();

  private TrimmedTokenizer(Path file, ObjectNode json, Set<String> needed) {
    this.file = file;
    this.json = json;
    Map<String, Integer> ids = new HashMap<>();
    vocabulary().properties().forEach(token -> ids.put(token.getKey(), token.getValue().asInt()));
    for (JsonNode added : json.path("added_tokens")) {
      ids.put(added.path("content").asText(), added.path("id").asInt());
    }
    kept = needed.stream().mapToInt(ids::get).distinct().sorted().toArray();
    for (int place = 0; place < kept.length; place++) {
      places.put(kept[place], place);
    }
  }

  /**
   * The tokenizer of a folder, trimmed.
   *
   * @param used ids that the texts are cut into
   * @throws TokenizerException where the folder has no {@code tokenizer.json}, or one whose model
   *     is neither WordPiece nor BPE
   */
  public static TrimmedTokenizer of(Path folder, Set<Integer> used) {
    Path file = folder.resolve(TOKENIZER);
    if (!Files.exists(file)) {
      throw new TokenizerException(
          "Only a tokenizer.json is trimmed, and there is none in folder=" + folder);
    }
    ObjectNode json = TokenizerJson.read(file);
    TokenizerCheck.check(file.toString(), json);
    JsonNode model = json.path("model");
    String type = model.path("type").asText("");
    if (!type.equals("WordPiece") && !type.equals("BPE")) {
      throw new TokenizerException(
          "Only WordPiece and BPE are trimmed: file="
              + file
              + ", model="
              + type
              + "; scores of a Unigram cut texts otherwise once tokens are gone");
    }
    String prefix = model.path("continuing_subword_prefix").asText("");
    String unknown = model.path("unk_token").asText("");
    Set<String> needed = new HashSet<>();
    model
        .path("vocab")
        .properties()
        .forEach(
            token -> {
              String text = token.getKey();
              if (used.contains(token.getValue().asInt())
                  || text.equals(unknown)
                  || isSingle(text, prefix)) {
                needed.add(text);
              }
            });
    if (type.equals("BPE")) {
      addParts(model, needed);
    }
    json.path("added_tokens").forEach(added -> needed.add(added.path("content").asText()));
    var trimmed = new TrimmedTokenizer(file, json, needed);
    trimmed.rewrite(needed);
    return trimmed;
  }

  private static boolean isSingle(String token, String prefix) {
    String bare =
        !prefix.isEmpty() && token.startsWith(prefix) ? token.substring(prefix.length()) : token;
    return bare.codePointCount(0, bare.length()) == 1 || BYTE.matcher(token).matches();
  }

  /**
   * What the tokens are merged of, and what that is merged of: results stand behind their parts.
   */
  private static void addParts(JsonNode model, Set<String> needed) {
    JsonNode merges = model.path("merges");
    String prefix = model.path("continuing_subword_prefix").asText("");
    for (boolean more = true; more; ) {
      more = false;
      for (int i = merges.size() - 1; i >= 0; i--) {
        String[] parts = parts(merges.get(i));
        if (needed.contains(merged(parts, prefix))) {
          more |= needed.addAll(Arrays.asList(parts));
        }
      }
    }
  }

  private static String[] parts(JsonNode merge) {
    return merge.isArray()
        ? new String[] {merge.get(0).asText(), merge.get(1).asText()}
        : merge.asText().split(" ", 2);
  }

  private static String merged(String[] parts, String prefix) {
    return parts[0]
        + (parts[1].startsWith(prefix) ? parts[1].substring(prefix.length()) : parts[1]);
  }

  private ObjectNode vocabulary() {
    return (ObjectNode) json.path("model").path("vocab");
  }

  private void rewrite(Set<String> needed) {
    ObjectNode model = (ObjectNode) json.path("model");
    removeIf(vocabulary().properties().iterator(), token -> !needed.contains(token.getKey()));
    vocabulary().properties().forEach(token -> token.setValue(placed(token.getValue())));
    String prefix = model.path("continuing_subword_prefix").asText("");
    if (model.path("merges") instanceof ArrayNode merges) {
      removeIf(merges.elements(), merge -> !needed.contains(merged(parts(merge), prefix)));
    }
    for (JsonNode added : json.path("added_tokens")) {
      ((ObjectNode) added).set("id", placed(added.path("id")));
    }
    processor(json.path("post_processor"));
    if (json.path("padding") instanceof ObjectNode padding) {
      padding.set("pad_id", placed(padding.path("pad_id")));
    }
  }

  private static <T> void removeIf(java.util.Iterator<T> all, Predicate<T> condition) {
    while (all.hasNext()) {
      if (condition.test(all.next())) {
        all.remove();
      }
    }
  }

  /** What puts a template's tokens around a text names them by id too. */
  private void processor(JsonNode processor) {
    processor.path("processors").forEach(this::processor);
    for (JsonNode token : processor.path("special_tokens")) {
      ArrayNode ids = (ArrayNode) token.path("ids");
      for (int i = 0; i < ids.size(); i++) {
        ids.set(i, placed(ids.get(i)));
      }
    }
    for (String role : List.of("sep", "cls")) {
      if (processor.path(role) instanceof ArrayNode pair) {
        pair.set(1, placed(pair.get(1)));
      }
    }
  }

  private IntNode placed(JsonNode id) {
    return IntNode.valueOf(place(id.asInt()));
  }

  /** The ids that tokens had: [token]. */
  public int[] kept() {
    return kept.clone();
  }

  /**
   * The id of a token that had another.
   *
   * @throws TokenizerException if it was not kept
   */
  public int place(int id) {
    Integer place = places.get(id);
    if (place == null) {
      throw new TokenizerException("Token is not kept, but asked for: file=" + file + ", id=" + id);
    }
    return place;
  }

  /** Puts the tokenizer's files into a folder that has those of the original. */
  public void write(Path folder) throws IOException {
    Files.writeString(folder.resolve(TOKENIZER), json.toString());
    Path config = folder.resolve(CONFIG);
    if (Files.exists(config)) {
      ObjectNode settings = TokenizerJson.read(config);
      if (settings.path("added_tokens_decoder") instanceof ObjectNode tokens) {
        ObjectNode placed = settings.putObject("added_tokens_decoder");
        tokens
            .properties()
            .forEach(
                t ->
                    placed.set(
                        Integer.toString(place(Integer.parseInt(t.getKey()))), t.getValue()));
        Files.writeString(config, settings.toPrettyString() + "\n");
      }
    }
    for (String name : OLDER_FILES) {
      Files.deleteIfExists(folder.resolve(name));
    }
  }
}
