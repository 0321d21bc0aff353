package dev.hone.model.format;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * A JSON object of a model folder, read field by field; what is missing or of a wrong kind is
 * named.
 */
public record Config(String source, ObjectNode json) {
  private static final long MAX_BYTES = 16L << 20;
  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(64).build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  // A table of names shared by all files could be filled by a hostile one.
                  .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** Reads a file that must hold a JSON object. */
  public static Config read(Path file) {
    return parse(file.toString(), bytes(file));
  }

  /** Reads a file that must hold a JSON list of objects. */
  public static List<Config> readList(Path file) {
    return parseList(file.toString(), bytes(file));
  }

  private static byte[] bytes(Path file) {
    try {
      long bytes = Files.size(file);
      if (bytes > MAX_BYTES) {
        throw new FormatException(
            file
                + " is "
                + bytes
                + " bytes, more than the "
                + MAX_BYTES
                + " that a config may have");
      }
      return Files.readAllBytes(file);
    } catch (java.nio.file.NoSuchFileException e) {
      throw new FormatException(file + " is missing: a model folder needs it", e);
    } catch (IOException e) {
      throw new FormatException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Reads a JSON object that is in memory already. */
  public static Config parse(String source, byte[] bytes) {
    return object(source, tree(source, bytes));
  }

  static List<Config> parseList(String source, byte[] bytes) {
    JsonNode node = tree(source, bytes);
    if (!node.isArray()) {
      throw new FormatException(source + " must hold a JSON list");
    }
    return IntStream.range(0, node.size())
        .mapToObj(i -> object(source + "[" + i + "]", node.get(i)))
        .toList();
  }

  private static Config object(String source, JsonNode node) {
    if (node instanceof ObjectNode object) {
      return new Config(source, object);
    }
    throw new FormatException(source + " must be a JSON object");
  }

  private static JsonNode tree(String source, byte[] bytes) {
    try {
      return JSON.readTree(bytes);
    } catch (JacksonException e) {
      throw new FormatException(source + " is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new FormatException(source + " cannot be read: " + e.getMessage(), e);
    }
  }

  public boolean has(String field) {
    return json.hasNonNull(field);
  }

  /** A number from 1 to {@code max}. */
  public int positive(String field, int max) {
    JsonNode node = required(field);
    if (!node.isIntegralNumber()
        || !node.canConvertToInt()
        || node.asInt() < 1
        || node.asInt() > max) {
      throw wrong(field, "a whole number from 1 to " + max);
    }
    return node.asInt();
  }

  public int positive(String field, int max, int otherwise) {
    return has(field) ? positive(field, max) : otherwise;
  }

  /** A whole number of any sign. */
  public int integer(String field, int otherwise) {
    if (!has(field)) {
      return otherwise;
    }
    JsonNode node = json.get(field);
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw wrong(field, "a whole number");
    }
    return node.asInt();
  }

  public float number(String field) {
    if (!required(field).isNumber() || !Float.isFinite((float) json.get(field).asDouble())) {
      throw wrong(field, "a number");
    }
    return (float) json.get(field).asDouble();
  }

  public float number(String field, float otherwise) {
    return has(field) ? number(field) : otherwise;
  }

  public boolean flag(String field, boolean otherwise) {
    if (!has(field)) {
      return otherwise;
    }
    if (!json.get(field).isBoolean()) {
      throw wrong(field, "true or false");
    }
    return json.get(field).asBoolean();
  }

  public String text(String field) {
    if (!required(field).isTextual()) {
      throw wrong(field, "a text");
    }
    return json.get(field).asText();
  }

  public String text(String field, String otherwise) {
    return has(field) ? text(field) : otherwise;
  }

  /** The texts listed in a field; none where the field is missing. */
  public List<String> texts(String field) {
    if (!has(field)) {
      return List.of();
    }
    if (!json.get(field).isArray()) {
      throw wrong(field, "a list of texts");
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode node : json.get(field)) {
      if (!node.isTextual()) {
        throw wrong(field, "a list of texts");
      }
      texts.add(node.asText());
    }
    return texts;
  }

  /** Refuses every value of a field but one, which a missing field stands for. */
  public void require(String field, String known) {
    require(field, known, known);
  }

  /**
   * Refuses every value of a field but one.
   *
   * @param otherwise what a missing field stands for
   */
  public void require(String field, String known, String otherwise) {
    if (!text(field, otherwise).equals(known)) {
      throw wrong(field, known + " (nothing else is supported yet)");
    }
  }

  /** Refuses every field that is set and not one of these, so that no setting is passed over. */
  public void refuseOthers(Set<String> known) {
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (!known.contains(field.getKey()) && !field.getValue().isNull()) {
        throw new FormatException(
            source + ": unknown field " + field.getKey() + "; known are " + new TreeSet<>(known));
      }
    }
  }

  /** The object in a field, where there is one. */
  public Optional<Config> object(String field) {
    if (!has(field)) {
      return Optional.empty();
    }
    if (json.get(field) instanceof ObjectNode object) {
      return Optional.of(new Config(source + ": " + field, object));
    }
    throw wrong(field, "an object");
  }

  /** An error about a field's value. */
  public FormatException wrong(String field, String wanted) {
    String value = json.path(field).toString();
    String shown = value.length() > 80 ? value.substring(0, 80) + "..." : value;
    return new FormatException(source + ": " + field + " must be " + wanted + ", not " + shown);
  }

  private JsonNode required(String field) {
    if (!has(field)) {
      throw new FormatException(source + ": " + field + " is missing");
    }
    return json.get(field);
  }
}
