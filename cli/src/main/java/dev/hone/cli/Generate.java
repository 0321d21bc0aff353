package dev.hone.cli;

import dev.hone.runtime.generate.GeneratedText;
import dev.hone.runtime.generate.GenerationSettings;
import dev.hone.runtime.generate.GenerationSpeed;
import dev.hone.runtime.generate.StopReason;
import dev.hone.runtime.generate.TextGenerator;
import dev.hone.runtime.generate.TextStream;
import dev.hone.runtime.generate.TokenChoice;
import dev.hone.tokenizer.ChatMessage;
import dev.hone.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code hone generate}: prompts in, text that goes on with them out. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = {
      "Prints the text with which a decoder goes on with a prompt, as it comes.",
      "Where nothing is asked, tokens are chosen as the model's generation_config.json says, else"
          + " the likeliest. Of several prompts or answers each ends with a line ---."
    },
    footer = {
      "",
      "Examples:",
      "  hone generate model.gguf \"Once upon a time\" --temperature 0.8 --max-tokens 100",
      "  hone generate model.gguf --chat \"What is the capital of France?\""
    })
final class Generate implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private GeneratorOptions model;
  @Mixin private SamplingOptions sampling;
  @Mixin private TextOptions input;

  @Parameters(index = "1..*", paramLabel = "PROMPT", description = "The prompts.")
  private List<String> arguments;

  @Option(names = "--chat", description = "Ask a model for chat: the prompt is what a user says.")
  private boolean chat;

  @Option(names = "--system", description = "With --chat: what the model is told first.")
  private String system;

  @Option(
      names = "--answers",
      paramLabel = "N",
      description = "Answers to each prompt (default: 1).")
  private Integer answers;

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      description = "With --json: how likely every token and the N likeliest were.")
  private Integer logprobs;

  @Option(names = "--stats", description = "Tell tokens a second on standard error.")
  private boolean stats;

  @Option(names = "--json", description = "Print JSON: an array of {prompt, seed, answers}.")
  private boolean json;

  /** A prompt and its answers as JSON has them. */
  record Answered(String prompt, long seed, List<Answer> answers) {}

  /** An answer as JSON has it. */
  record Answer(
      String text, String stopReason, List<Integer> tokens, List<Map<String, Object>> logprobs) {}

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    if (!chat) {
      WrongInput.refuse(spec, "does nothing without --chat", "--system");
    }
    if (!json) {
      WrongInput.refuse(spec, "does nothing without --json", "--logprobs");
    }
    if (answers != null && answers < 1 || logprobs != null && logprobs < 0) {
      throw new WrongInput("--answers must be at least 1 and --logprobs at least 0");
    }
    List<String> prompts = input.texts(arguments);
    long start = System.nanoTime();
    try (TextGenerator generator = model.generator(terminal)) {
      GenerationSettings settings = sampling.settings(generator.settings());
      settings = answers == null ? settings : settings.answers(answers);
      settings = logprobs == null ? settings : settings.likeliest(logprobs);
      if (prompts.size() == 1 && settings.answers() == 1 && !json) {
        stream(generator, prompts.getFirst(), settings, terminal, start);
      } else {
        all(generator, prompts, settings, terminal);
      }
    }
    return 0;
  }

  private List<ChatMessage> conversation(String prompt) {
    var user = ChatMessage.user(prompt);
    return system == null ? List.of(user) : List.of(ChatMessage.system(system), user);
  }

  private void stream(
      TextGenerator generator,
      String prompt,
      GenerationSettings settings,
      Terminal terminal,
      long start) {
    try (TextStream stream =
        chat
            ? generator.stream(conversation(prompt), settings)
            : generator.stream(prompt, settings)) {
      long first = 0;
      while (stream.hasNext()) {
        terminal.out().print(stream.next());
        terminal.out().flush();
        first = first == 0 ? System.nanoTime() : first;
      }
      terminal.out().println();
      noteEnd(stream.answer(), settings, terminal);
      if (stats) {
        terminal.note(
            words(stream.speed())
                + String.format(Locale.ROOT, "; first text after %.2f s", (first - start) / 1e9));
      }
    }
  }

  private void all(
      TextGenerator generator,
      List<String> prompts,
      GenerationSettings settings,
      Terminal terminal) {
    TextGenerator.Answers all =
        chat
            ? generator.answer(prompts.stream().map(this::conversation).toList(), settings)
            : generator.generate(prompts, settings);
    if (json) {
      List<Answered> answered = new ArrayList<>();
      for (int p = 0; p < prompts.size(); p++) {
        answered.add(
            new Answered(
                prompts.get(p),
                settings.sampling().seed().orElseThrow(),
                all.answers().get(p).stream()
                    .map(answer -> json(answer, generator.tokenizer()))
                    .toList()));
      }
      terminal.json(answered);
    } else {
      for (GeneratedText answer : all.answers().stream().flatMap(List::stream).toList()) {
        terminal.out().println(answer.text());
        terminal.out().println("---");
        noteEnd(answer, settings, terminal);
      }
    }
    if (stats) {
      terminal.note(words(all.speed()));
    }
  }

  private static Answer json(GeneratedText answer, Tokenizer tokenizer) {
    List<Map<String, Object>> logprobs = new ArrayList<>();
    for (TokenChoice choice : answer.choices()) {
      Map<String, Object> one = likely(choice.token(), choice.logprob(), tokenizer);
      one.put(
          "likeliest",
          choice.likeliest().stream()
              .map(likely -> likely(likely.token(), likely.logprob(), tokenizer))
              .toList());
      logprobs.add(one);
    }
    return new Answer(
        answer.text(),
        answer.stopReason().name().toLowerCase(Locale.ROOT),
        answer.tokens(),
        answer.choices().isEmpty() ? null : logprobs);
  }

  private static Map<String, Object> likely(int token, double logprob, Tokenizer tokenizer) {
    Map<String, Object> likely = new LinkedHashMap<>();
    likely.put("token", token);
    likely.put("text", tokenizer.decode(new int[] {token}, false));
    likely.put("logprob", logprob);
    return likely;
  }

  /** Where it was not the model that ended the answer. */
  private void noteEnd(GeneratedText answer, GenerationSettings settings, Terminal terminal) {
    if (answer.stopReason() == StopReason.LENGTH && !sampling.limitsLength()) {
      terminal.note(
          "ended after " + settings.maxNewTokens() + " tokens; --max-tokens sets another limit");
    } else if (answer.stopReason() == StopReason.CONTEXT) {
      terminal.note("ended where the model reads no more tokens");
    }
  }

  static String words(GenerationSpeed speed) {
    return String.format(
        Locale.ROOT,
        "prompt: %d tokens, %.1f a second; answer: %d tokens, %.1f a second",
        speed.promptTokens(),
        speed.promptRate(),
        speed.answerTokens(),
        speed.answerRate());
  }
}
