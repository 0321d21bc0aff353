package dev.hone.measure;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.model.format.FormatException;
import dev.hone.tokenizer.ChatTemplate;
import dev.hone.tokenizer.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A chat template and what it must render. The file is JSON: {@code template}, and {@code cases}
 * with {@code conversation}, {@code add_generation_prompt}, {@code tools} (whether there are any)
 * and either {@code expected} or the {@code error} that the template itself raises. Conversations,
 * tools, {@code bos_token}, {@code eos_token} and the clock, {@code now}, stand in {@code
 * conversations.json} beside it.
 */
public final class ChatCases {
  /** What the file is called. */
  public static final String ENDING = ".json";

  private static final long MAX_BYTES = 16 << 20;
  private static final JsonMapper JSON = new JsonMapper();

  private ChatCases() {}

  /**
   * One case.
   *
   * @param expected text, or the error's message
   * @param error whether an error is expected
   * @param foundError whether one was found
   */
  public record Case(
      int number,
      String conversation,
      boolean error,
      String expected,
      boolean foundError,
      String found) {
    public boolean agrees() {
      return error == foundError && expected.equals(found);
    }
  }

  /**
   * Renders every case.
   *
   * @param template instead of the file's own, where there is one
   */
  public static List<Case> compare(Path file, Optional<ChatTemplate> template) {
    JsonNode cases = read(file);
    Path beside = file.toAbsolutePath().resolveSibling("conversations.json");
    JsonNode given = read(beside);
    Map<String, String> tokens =
        Map.of("bos", text(given, "bos_token", beside), "eos", text(given, "eos_token", beside));
    ChatTemplate renders =
        template.orElseGet(
            () -> ChatTemplate.of(file.toString(), text(cases, "template", file), tokens));
    ZonedDateTime now = now(text(given, "now", beside), beside);
    List<Case> compared = new ArrayList<>();
    for (JsonNode one : cases.path("cases")) {
      String name = text(one, "conversation", file);
      boolean error = one.has("error");
      String expected = text(one, error ? "error" : "expected", file);
      List<Map<String, Object>> messages = maps(given.path("conversations").path(name), beside);
      List<Map<String, Object>> tools =
          one.path("tools").asBoolean() ? maps(given.path("tools"), beside) : List.of();
      boolean answers = one.path("add_generation_prompt").asBoolean();
      String found;
      boolean raised = false;
      try {
        found =
            renders.render(
                messages,
                tools,
                answers,
                Map.of("bos_token", tokens.get("bos"), "eos_token", tokens.get("eos")),
                now);
      } catch (TemplateException e) {
        found = e.getMessage();
        raised = true;
      }
      compared.add(new Case(compared.size(), name, error, expected, raised, found));
    }
    if (compared.isEmpty()) {
      throw new FormatException(file + " holds no cases of a chat template");
    }
    return compared;
  }

  private static JsonNode read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new FormatException(
            file + " is larger than the " + MAX_BYTES + " bytes of such files");
      }
      return JSON.readTree(file.toFile());
    } catch (JacksonException e) {
      throw new FormatException(file + " is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new FormatException(file + " cannot be read: " + e, e);
    }
  }

  private static String text(JsonNode node, String field, Path file) {
    if (!node.path(field).isTextual()) {
      throw new FormatException(file + ": " + field + " must be a text");
    }
    return node.get(field).textValue();
  }

  private static List<Map<String, Object>> maps(JsonNode node, Path file) {
    try {
      if (node.isArray()) {
        return JSON.convertValue(node, new TypeReference<List<Map<String, Object>>>() {});
      }
    } catch (IllegalArgumentException e) {
      throw new FormatException(file + ": wanted a list of objects", e);
    }
    throw new FormatException(file + ": wanted a list of objects, not " + node.getNodeType());
  }

  private static ZonedDateTime now(String text, Path file) {
    try {
      return LocalDateTime.parse(text).atZone(ZoneOffset.UTC);
    } catch (DateTimeParseException e) {
      throw new FormatException(file + ": now must be a time like 2026-11-22T10:00:00", e);
    }
  }
}
