package dev.hone.cli;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.runtime.generate.Conversation;
import dev.hone.runtime.generate.GenerationSpeed;
import dev.hone.runtime.generate.PromptException;
import dev.hone.runtime.generate.StopReason;
import dev.hone.runtime.generate.TextGenerator;
import dev.hone.runtime.generate.TextStream;
import dev.hone.tokenizer.ChatMessage;
import dev.hone.tokenizer.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone chat}: a conversation with a model, a line a turn. */
@Command(
    name = "chat",
    mixinStandardHelpOptions = true,
    description = {
      "Talks with a model for chat. A line is what you say; one that ends with a backslash goes on"
          + " with the next. Ctrl-C stops an answer, Ctrl-D ends the conversation.",
      "Lines that begin with a slash are told to Hone: /help lists them. Lines may come from a"
          + " pipe."
    },
    footer = {
      "",
      "Examples:",
      "  hone chat model.gguf --temperature 0.7",
      "  printf 'Hi\\nAnd in French?\\n' | hone chat model.gguf"
    })
final class Chat implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();
  private static final long MAX_FILE_BYTES = 64 << 20;
  private static final String HELP =
      """
      /system TEXT   begins anew, with TEXT as what the model is told first
      /reset         begins anew
      /save FILE     writes the conversation as JSON: a list of {role, content}
      /load FILE     goes on with such a conversation
      /stats         tells tokens and speed of the last answer
      /exit          ends, as Ctrl-D does
      A line that ends with a backslash goes on with the next.\
      """;

  @Spec private CommandSpec spec;
  @Mixin private GeneratorOptions model;
  @Mixin private SamplingOptions sampling;

  @Option(names = "--system", description = "What the model is told first.")
  private String system;

  @Option(
      names = "--json",
      description = "Print every answer as a JSON string on a line of its own.")
  private boolean json;

  private Terminal terminal;
  private Conversation conversation;
  private GenerationSpeed speed;

  @Override
  public Integer call() throws IOException {
    terminal = Terminal.of(spec);
    try (TextGenerator generator = model.generator(terminal);
        Conversation opened = generator.converse(sampling.settings(generator.settings()));
        ChatLines lines = ChatLines.open(terminal)) {
      conversation = opened;
      begin(system);
      String line = lines.read();
      while (line != null && !line.strip().equals("/exit") && !line.strip().equals("/quit")) {
        if (line.startsWith("/")) {
          obey(line.strip());
        } else if (!line.isBlank()) {
          answer(line, lines);
        }
        line = lines.read();
      }
    }
    return 0;
  }

  private void begin(String told) {
    conversation.messages(told == null ? List.of() : List.of(ChatMessage.system(told)));
  }

  private void answer(String line, ChatLines lines) {
    var text = new StringBuilder();
    try (TextStream stream = conversation.say(line)) {
      lines.resume();
      while (!lines.interrupted() && stream.hasNext()) {
        String piece = stream.next();
        text.append(piece);
        if (!json) {
          terminal.out().print(piece);
          terminal.out().flush();
        }
      }
      speed = stream.speed();
      if (stream.answer().stopReason() == StopReason.CONTEXT) {
        terminal.note("the model reads no more tokens; /reset begins anew");
      } else if (stream.answer().stopReason() == StopReason.LENGTH && !sampling.limitsLength()) {
        terminal.note("ended by the limit of tokens; --max-tokens sets another");
      }
    } catch (TemplateException | PromptException e) {
      terminal.note(e.getMessage() + "; /reset begins anew");
      return;
    }
    terminal.out().println(json ? quoted(text.toString()) : "");
    terminal.out().flush();
  }

  private static String quoted(String text) {
    try {
      return JSON.writeValueAsString(text);
    } catch (JacksonException e) {
      throw new IllegalStateException(e);
    }
  }

  private void obey(String line) {
    String[] words = line.split("\\s+", 2);
    String rest = words.length > 1 ? words[1] : null;
    try {
      switch (words[0]) {
        case "/system" -> begin(wanted(rest, "/system TEXT"));
        case "/reset" -> begin(system);
        case "/save" -> save(Path.of(wanted(rest, "/save FILE")));
        case "/load" -> conversation.messages(load(Path.of(wanted(rest, "/load FILE"))));
        case "/stats" -> stats();
        case "/help" -> terminal.note(HELP);
        default -> throw new WrongInput(words[0] + " is not known; /help lists what is");
      }
    } catch (WrongInput e) {
      terminal.note(e.getMessage());
    } catch (IOException e) {
      terminal.note(rest + " cannot be read or written: " + e);
    }
  }

  private static String wanted(String text, String usage) {
    if (text == null) {
      throw new WrongInput("write " + usage);
    }
    return text;
  }

  private void save(Path file) throws IOException {
    Files.writeString(
        file,
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(conversation.messages()) + "\n");
    terminal.note("saved " + conversation.messages().size() + " messages in " + file);
  }

  private List<ChatMessage> load(Path file) throws IOException {
    if (!Files.isRegularFile(file) || Files.size(file) > MAX_FILE_BYTES) {
      throw new WrongInput(file + " is no file of a conversation");
    }
    try {
      List<ChatMessage> loaded =
          JSON.readValue(file.toFile(), new TypeReference<ArrayList<ChatMessage>>() {});
      if (loaded.stream().anyMatch(m -> m == null || m.role() == null || m.content() == null)) {
        throw new WrongInput(file + ": every message has a role and a content");
      }
      terminal.note("loaded " + loaded.size() + " messages");
      return loaded;
    } catch (JacksonException e) {
      throw new WrongInput(file + " is no list of {role, content}: " + e.getOriginalMessage());
    }
  }

  private void stats() {
    if (speed == null) {
      throw new WrongInput("there was no answer yet");
    }
    terminal.note(
        Generate.words(speed)
            + "; conversation: "
            + conversation.tokens()
            + " tokens, of which the last prompt kept "
            + conversation.keptTokens());
  }
}
