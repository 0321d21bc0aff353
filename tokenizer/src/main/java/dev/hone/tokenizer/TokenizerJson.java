package dev.hone.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads the JSON files of a tokenizer within written limits. */
final class TokenizerJson {

  /** The largest published tokenizer.json files have some 35 MB. */
  static final long MAX_FILE_BYTES = 128L << 20;

  private static final ObjectMapper JSON =
      JsonMapper.builder(
              com.fasterxml.jackson.core.JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(64)
                          .maxStringLength(16 << 20)
                          .maxNumberLength(64)
                          .build())
                  .build())
          .disable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .build();

  private TokenizerJson() {}

  /** The object that a file holds. */
  static ObjectNode read(Path file) {
    try {
      JsonNode node = JSON.readTree(bytes(file));
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw new TokenizerException(
          "Not a JSON object: file=" + file + ", found=" + node.getNodeType());
    } catch (JsonProcessingException e) {
      throw new TokenizerException(
          "Not valid JSON: file=" + file + ": " + e.getOriginalMessage() + place(e), e);
    } catch (IOException e) {
      throw new TokenizerException("Cannot be read: file=" + file + ": " + e, e);
    }
  }

  /** An empty object, to build a tokenizer in. */
  static ObjectNode object() {
    return JSON.createObjectNode();
  }

  /** What a file holds, after its size was looked at. */
  static byte[] bytes(Path file) throws IOException {
    long size = Files.size(file);
    if (size > MAX_FILE_BYTES) {
      throw new TokenizerException(
          "Too large for a tokenizer: file="
              + file
              + ", bytes="
              + size
              + ", limit="
              + MAX_FILE_BYTES);
    }
    return Files.readAllBytes(file);
  }

  private static String place(JsonProcessingException e) {
    return e.getLocation() == null
        ? ""
        : " (line "
            + e.getLocation().getLineNr()
            + ", column "
            + e.getLocation().getColumnNr()
            + ")";
  }
}
