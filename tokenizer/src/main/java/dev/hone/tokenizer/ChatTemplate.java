package dev.hone.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.tokenizer.jinja.Template;
import dev.hone.tokenizer.jinja.TemplateException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How a conversation becomes the text that a model was trained to go on with: a Jinja template that
 * its makers publish, rendered as transformers does. A model may have several, one of them for
 * conversations with tools.
 */
public final class ChatTemplate {
  private static final String DEFAULT = "default";
  private static final String WITH_TOOLS = "tool_use";
  private static final String FIELD = "chat_template";

  private final String source;
  private final Map<String, Template> templates;
  private final Map<String, String> specialTokens;

  private ChatTemplate(
      String source, Map<String, String> texts, Map<String, String> specialTokens) {
    this.source = source;
    this.specialTokens = Map.copyOf(specialTokens);
    this.templates = new TreeMap<>();
    texts.forEach(
        (name, text) -> {
          try {
            templates.put(name, Template.parse(text));
          } catch (TemplateException e) {
            throw new TokenizerException(
                "Not a chat template: source=" + source + ", name=" + name + ": " + e.getMessage(),
                e);
          }
        });
  }

  /**
   * The only template of a model.
   *
   * @param source what messages call it
   * @param specialTokens roles to tokens, {@code bos -> <s>}
   */
  public static ChatTemplate of(String source, String text, Map<String, String> specialTokens) {
    return of(source, Map.of(DEFAULT, text), specialTokens);
  }

  /**
   * The templates of a model.
   *
   * @param texts by name, one of them {@code default}
   */
  public static ChatTemplate of(
      String source, Map<String, String> texts, Map<String, String> specialTokens) {
    return new ChatTemplate(source, texts, specialTokens);
  }

  /**
   * The templates in a model's folder: {@code chat_template.jinja}, with others in {@code
   * additional_chat_templates}; else what {@code tokenizer_config.json} or {@code
   * chat_template.json} has under {@code chat_template}, a text or a list of named ones.
   */
  public static Optional<ChatTemplate> load(Path folder) {
    Map<String, String> texts = files(folder);
    Path source = folder;
    for (String name : new String[] {"tokenizer_config.json", "chat_template.json"}) {
      Path file = folder.resolve(name);
      if (texts.isEmpty() && Files.exists(file)) {
        texts = texts(file);
        source = file;
      }
    }
    return texts.isEmpty()
        ? Optional.empty()
        : Optional.of(of(source.toString(), texts, TokenizerConfig.of(folder).specialTokens()));
  }

  private static Map<String, String> files(Path folder) {
    Map<String, String> texts = new LinkedHashMap<>();
    try {
      Path file = folder.resolve("chat_template.jinja");
      if (Files.exists(file)) {
        texts.put(DEFAULT, text(file));
        Path more = folder.resolve("additional_chat_templates");
        if (Files.isDirectory(more)) {
          try (var files = Files.newDirectoryStream(more, "*.jinja")) {
            for (Path other : files) {
              String name = other.getFileName().toString();
              texts.put(name.substring(0, name.length() - ".jinja".length()), text(other));
            }
          }
        }
      }
    } catch (IOException e) {
      throw new TokenizerException("Cannot be read: folder=" + folder + ": " + e, e);
    }
    return texts;
  }

  private static String text(Path file) throws IOException {
    return new String(TokenizerJson.bytes(file), StandardCharsets.UTF_8);
  }

  private static Map<String, String> texts(Path file) {
    ObjectNode json = TokenizerJson.read(file);
    JsonNode value = json.path(FIELD);
    Map<String, String> texts = new LinkedHashMap<>();
    if (value.isTextual()) {
      texts.put(DEFAULT, value.textValue());
    } else if (value.isArray()) {
      for (JsonNode named : value) {
        if (!named.path("name").isTextual() || !named.path("template").isTextual()) {
          throw new TokenizerException(
              "Wrong value: file=" + file + ", field=" + FIELD + ": wanted name and template");
        }
        texts.put(named.get("name").textValue(), named.get("template").textValue());
      }
    } else if (!value.isMissingNode() && !value.isNull()) {
      throw new TokenizerException(
          "Wrong value: file="
              + file
              + ", field="
              + FIELD
              + ", expected=a text or a list of named ones, found="
              + value.getNodeType());
    }
    return texts;
  }

  /**
   * A conversation as the model reads it, with the beginning of the answer.
   *
   * @throws TemplateException where the template refuses it
   */
  public String render(List<ChatMessage> messages) {
    return render(
        messages.stream().map(ChatMessage::values).toList(),
        List.of(),
        true,
        Map.of(),
        ZonedDateTime.now(ZoneId.systemDefault()));
  }

  /**
   * A conversation as the model reads it.
   *
   * @param messages each with {@code role} and {@code content}, and what else the template knows
   * @param tools as JSON Schema describes them; empty for none
   * @param answers whether the beginning of an answer ends the text
   * @param values of other names that the template knows, such as {@code enable_thinking}
   * @param now what the template takes for today
   * @throws TemplateException where the template refuses it
   */
  public String render(
      List<? extends Map<String, ?>> messages,
      List<? extends Map<String, ?>> tools,
      boolean answers,
      Map<String, ?> values,
      ZonedDateTime now) {
    Map<String, Object> all = new LinkedHashMap<>();
    specialTokens.forEach((role, token) -> all.put(role + "_token", token));
    all.put("messages", new ArrayList<>(messages));
    all.put("tools", tools.isEmpty() ? null : new ArrayList<>(tools));
    all.put("documents", null);
    all.put("add_generation_prompt", answers);
    all.putAll(values);
    return template(!tools.isEmpty()).render(all, now);
  }

  private Template template(boolean tools) {
    if (tools && templates.containsKey(WITH_TOOLS)) {
      return templates.get(WITH_TOOLS);
    }
    Template template = templates.get(DEFAULT);
    if (template == null) {
      throw new TokenizerException(
          "No chat template is the default: source=" + source + ", names=" + templates.keySet());
    }
    return template;
  }
}
