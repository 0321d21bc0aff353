package dev.hone.runtime.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.runtime.SeededModels;
import dev.hone.runtime.UnsupportedByModelException;
import dev.hone.tokenizer.ChatMessage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A decoder of random weights, whose tokens are bytes: 248 to 251 are special. */
class TextGeneratorTest {
  private static final String LONG = "It was the best of times, it was the worst of times, ";
  private static final List<String> PROMPTS = List.of("a", LONG, "Zürich 🙂 你好", "The king", "b");

  @TempDir private static Path scratch;
  private static Path folder;
  private static TextGenerator generator;
  private static GenerationSettings sampled;

  @BeforeAll
  static void load() throws Exception {
    folder = SeededModels.folder("llama", Files.createDirectory(scratch.resolve("llama")));
    generator = TextGenerator.load(folder, options());
    sampled =
        generator
            .settings()
            .maxNewTokens(20)
            .sampling(Sampling.of(0.8f).only(40, 0.95f, 0.01f).seed(11));
  }

  private static TextGeneratorOptions options() {
    return TextGeneratorOptions.defaults().threads(2);
  }

  @AfterAll
  static void close() {
    generator.close();
  }

  private static List<GeneratedText> alone(GenerationSettings settings) {
    return PROMPTS.stream().map(prompt -> generator.generate(prompt, settings)).toList();
  }

  private static List<GeneratedText> together(TextGenerator by, GenerationSettings settings) {
    return by.generate(PROMPTS, settings, PieceListener.NONE).answers().stream()
        .map(List::getFirst)
        .toList();
  }

  @Test
  void neighboursChunksAndLateJoinersChangeNoAnswer() {
    for (GenerationSettings settings : List.of(generator.settings().maxNewTokens(20), sampled)) {
      List<GeneratedText> alone = alone(settings);
      assertThat(alone).extracting(GeneratedText::tokens).doesNotHaveDuplicates();
      assertThat(together(generator, settings)).isEqualTo(alone);
      try (TextGenerator other =
          TextGenerator.load(folder, options().chunkTokens(7).sequences(2))) {
        assertThat(together(other, settings)).isEqualTo(alone);
      }
    }
  }

  @Test
  void theSeedDecides() {
    assertThat(alone(sampled)).isEqualTo(alone(sampled));
    assertThat(alone(sampled.sampling(s -> s.seed(12)))).isNotEqualTo(alone(sampled));
    var unseeded = generator.settings().maxNewTokens(20).sampling(Sampling.of(1));
    assertThat(alone(unseeded)).isNotEqualTo(alone(unseeded));
  }

  /** The prompt is read once, and each answer is what it would be without the others. */
  @Test
  void severalAnswersToAPrompt() {
    TextGenerator.Answers all = generator.generate(PROMPTS, sampled.answers(3), PieceListener.NONE);
    assertThat(all.answers()).allMatch(answers -> answers.size() == 3);
    assertThat(all.answers().stream().map(List::getFirst)).isEqualTo(alone(sampled));
    assertThat(all.answers().getFirst()).doesNotHaveDuplicates();
    TextGenerator.Answers two =
        generator.generate(List.of(LONG), sampled.answers(2), PieceListener.NONE);
    assertThat(two.answers().getFirst()).isEqualTo(all.answers().get(1).subList(0, 2));
    assertThat(two.speed().promptTokens()).isEqualTo(LONG.length());
    assertThat(two.speed().answerTokens()).isEqualTo(2 * 20 - 2);
  }

  /** Bytes of random weights are mostly no characters; the pieces are the text all the same. */
  @Test
  void piecesAreTheText() {
    var pieces = new ArrayList<StringBuilder>();
    PROMPTS.forEach(_ -> pieces.add(new StringBuilder()));
    List<List<GeneratedText>> answers =
        generator
            .generate(PROMPTS, sampled, (prompt, _, piece) -> pieces.get(prompt).append(piece))
            .answers();
    assertThat(pieces.stream().map(StringBuilder::toString))
        .isEqualTo(answers.stream().map(a -> a.getFirst().text()).toList());
    try (TextStream stream = generator.stream(LONG, sampled)) {
      var text = new StringBuilder();
      stream.forEachRemaining(text::append);
      assertThat(stream.answer()).isEqualTo(answers.get(1).getFirst());
      assertThat(text).hasToString(stream.answer().text());
    }
  }

  @Test
  void whoStopsAskingStopsTheAnswer() {
    TextStream left;
    String first;
    try (TextStream stream = generator.stream(LONG, sampled)) {
      assertThat(stream.answer().tokens()).isEmpty();
      first = stream.next();
      left = stream;
    }
    assertThat(left.hasNext()).isFalse();
    assertThat(left.answer().text()).startsWith(first);
    assertThat(left.answer().tokens()).hasSizeLessThan(20);
    assertThat(left.answer().stopReason()).isEqualTo(StopReason.CANCELLED);
  }

  /** Characters of two to four bytes, a token each: every one is told when it is whole. */
  @Test
  void neverHalfACharacter() {
    String text = "é 你好 🙂\u0301!";
    var detokenizer = new Detokenizer(generator.tokenizer(), new int[] {'x'});
    var told = new ArrayList<String>();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      told.add(detokenizer.add(b & 0xFF));
    }
    assertThat(String.join("", told)).isEqualTo(text);
    assertThat(told).noneMatch(piece -> piece.contains("\ufffd"));
    assertThat(told.subList(0, 3)).containsExactly("", "é", " ");
    assertThat(detokenizer.add(251)).isEmpty(); // a special token
    assertThat(detokenizer.add('y')).isEqualTo("y");
  }

  @Test
  void stopStringsAcrossTokens() {
    // Only these letters can come: the answer is text.
    var letters = generator.settings().maxNewTokens(40).sampling(lettersOnly());
    GeneratedText whole = generator.generate("a", letters);
    assertThat(whole.text()).hasSize(40);
    String stop = whole.text().substring(17, 20);
    int at = whole.text().indexOf(stop);
    GeneratedText stopped = generator.generate("a", letters.stopStrings("no such", stop));
    assertThat(stopped.text()).isEqualTo(whole.text().substring(0, at));
    assertThat(stopped.stopReason()).isEqualTo(StopReason.STOP_STRING);
    assertThat(stopped.tokens()).isEqualTo(whole.tokens().subList(0, at + 3));
    String half = whole.text().substring(38) + "?"; // begins, and does not end
    assertThat(generator.generate("a", letters.stopStrings(half))).isEqualTo(whole);
  }

  private static Sampling lettersOnly() {
    Map<Integer, Float> bias = new java.util.HashMap<>();
    for (int c = 'a'; c <= 'z'; c++) {
      bias.put(c, 50f);
    }
    return Sampling.of(1).bias(bias).seed(5);
  }

  @Test
  void stopTokensLimitsAndTheModelsOwn() {
    List<Integer> whole = generator.generate("a", sampled).tokens();
    int stop = whole.get(9);
    GeneratedText stopped = generator.generate("a", sampled.stopTokens(Set.of(stop)));
    assertThat(stopped.tokens()).isEqualTo(whole.subList(0, whole.indexOf(stop) + 1));
    assertThat(stopped.stopReason()).isEqualTo(StopReason.STOP_TOKEN);
    assertThat(generator.generate("a", sampled).stopReason()).isEqualTo(StopReason.LENGTH);

    var endless = sampled.maxNewTokens(1000).stopTokens(Set.of());
    GeneratedText full = generator.generate("x".repeat(100), endless);
    assertThat(full.stopReason()).isEqualTo(StopReason.CONTEXT);
    assertThat(full.tokens()).hasSize(128 - 100 + 1);
    assertThat(generator.generate("x".repeat(128), endless).tokens()).hasSize(1);
    assertThatThrownBy(() -> generator.generate("x".repeat(129), endless))
        .isInstanceOf(PromptException.class)
        .hasMessageContaining("129 tokens")
        .hasMessageContaining("1 to 128");
    assertThatThrownBy(() -> generator.generate("")).isInstanceOf(PromptException.class);
    assertThatThrownBy(
            () -> generator.generate("a", sampled.sampling(s -> s.bias(Map.of(256, 1f)))))
        .hasMessageContaining("bias of token 256: the model has tokens 0 to 255");
    assertThatThrownBy(() -> TextGenerator.load(folder, options().contextTokens(129)))
        .isInstanceOf(UnsupportedByModelException.class)
        .hasMessageContaining("reads at most 128 tokens: contextTokens=129");
  }

  @Test
  void logprobsOfTheChosenAndTheLikeliest() {
    var asked = generator.settings().maxNewTokens(5).likeliest(3);
    GeneratedText answer = generator.generate("a", asked);
    assertThat(answer.choices()).hasSize(5);
    assertThat(answer.choices())
        .allSatisfy(
            choice -> {
              assertThat(choice.likeliest()).hasSize(3);
              assertThat(choice.likeliest().getFirst().token()).isEqualTo(choice.token());
              assertThat(choice.likeliest().getFirst().logprob())
                  .isCloseTo(choice.logprob(), within(1e-12))
                  .isLessThan(0);
            });
    double sum =
        generator.generate("a", asked.likeliest(256)).choices().getFirst().likeliest().stream()
            .mapToDouble(likely -> Math.exp(likely.logprob()))
            .sum();
    assertThat(sum).isCloseTo(1, within(1e-9));
    assertThat(generator.generate("a", asked.maxNewTokens(1)).choices()).hasSize(1);
    assertThat(generator.generate("a", sampled).choices()).isEmpty();
  }

  @Test
  void theMakersSettings() throws Exception {
    assertThat(generator.settings().sampling()).isEqualTo(Sampling.greedy());
    assertThat(generator.settings().stopTokens()).containsExactly(249); // the tokenizer's </s>
    Path other = SeededModels.folder("llama", Files.createDirectory(scratch.resolve("settings")));
    Path config = other.resolve("generation_config.json");
    Files.writeString(
        config, "{\"do_sample\": true, \"temperature\": 0.6, \"eos_token_id\": [251, 7]}");
    try (TextGenerator made = TextGenerator.load(other, options())) {
      assertThat(made.settings().sampling()).isEqualTo(Sampling.of(0.6f).only(50, 1, 0));
      assertThat(made.settings().stopTokens()).containsExactlyInAnyOrder(7, 251);
    }
    Files.writeString(
        config, "{\"temperature\": 0.6, \"repetition_penalty\": 1.1, \"max_new_tokens\": 9}");
    try (TextGenerator made = TextGenerator.load(other, options())) {
      assertThat(made.settings().sampling()).isEqualTo(Sampling.greedy().penalties(1.1f, 0, 0));
      assertThat(made.settings().maxNewTokens()).isEqualTo(9);
    }
    Files.writeString(config, "{\"do_sample\": true, \"top_p\": 7}");
    assertThatThrownBy(() -> TextGenerator.load(other, options()))
        .hasMessageContaining("generation_config.json")
        .hasMessageContaining("topP=7.0");
    Files.writeString(config, "{\"eos_token_id\": \"end\"}");
    assertThatThrownBy(() -> TextGenerator.load(other, options()))
        .hasMessageContaining("eos_token_id must be a token's id");
  }

  @Test
  void manyPromptsInFewSequences() {
    List<String> prompts = new ArrayList<>(Collections.nCopies(9, "a"));
    prompts.addAll(PROMPTS);
    try (TextGenerator few = TextGenerator.load(folder, options().sequences(3))) {
      List<List<GeneratedText>> answers =
          few.generate(prompts, sampled, PieceListener.NONE).answers();
      GeneratedText a = generator.generate("a", sampled);
      assertThat(answers.subList(0, 9)).allMatch(texts -> texts.equals(List.of(a)));
      assertThat(answers.get(10)).isEqualTo(List.of(generator.generate(LONG, sampled)));
    }
  }

  /** Every answer is what the whole conversation gives, read anew. */
  @Test
  void aConversationReadsOnlyWhatIsNew() {
    var settings = sampled.maxNewTokens(6).stopTokens(Set.of());
    try (Conversation conversation = generator.converse(settings)) {
      conversation.messages(List.of(ChatMessage.system("s")));
      List<ChatMessage> said = new ArrayList<>(conversation.messages());
      for (String text : List.of("a", "b?")) {
        said.add(ChatMessage.user(text));
        GeneratedText expected;
        try (TextStream stream = generator.stream(said, settings)) {
          stream.forEachRemaining(_ -> {});
          expected = stream.answer();
        }
        try (TextStream stream = conversation.say(text)) {
          stream.forEachRemaining(_ -> {});
          assertThat(stream.answer()).isEqualTo(expected);
        }
        said.add(ChatMessage.assistant(expected.text()));
        assertThat(conversation.messages()).isEqualTo(said);
      }
      assertThat(conversation.keptTokens()).isGreaterThan(20);
      TextStream nothing = conversation.say("c");
      nothing.close();
      assertThat(conversation.messages()).isEqualTo(said);
      conversation.messages(List.of());
      assertThatThrownBy(() -> conversation.say("x".repeat(128)))
          .isInstanceOf(PromptException.class);
    }
  }
}
