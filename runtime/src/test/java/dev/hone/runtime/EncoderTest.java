package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.model.format.FormatException;
import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What holds for every encoder, on tiny models. */
class EncoderTest {
  private static final List<String> WORDS =
      List.of(
          "fox", "jumps", "over", "Zürich", "naïve", "don't", "3.14", "whispering", "king", "?");

  @TempDir Path scratch;
  private final EncoderOptions options = EncoderOptions.defaults().onCut(cut -> {});

  /** Many texts of 0 to 69 words, the same ones every time. */
  private static List<String> texts(int count) {
    Random random = new Random(20261123);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<String> words = new ArrayList<>();
      for (int w = random.nextInt(70); w > 0; w--) {
        words.add(WORDS.get(random.nextInt(WORDS.size())));
      }
      texts.add(String.join(" ", words));
    }
    return texts;
  }

  private Path folder(String name) throws IOException {
    return TinyModels.pipeline(name, scratch).folder();
  }

  private static void assertSame(List<float[]> vectors, List<float[]> expected) {
    assertThat(vectors).hasSameSizeAs(expected);
    for (int i = 0; i < vectors.size(); i++) {
      assertThat(vectors.get(i)).as("text %d", i).containsExactly(expected.get(i), within(1e-5f));
    }
  }

  @Test
  void packedIsAloneForEveryTokenBudgetAndTier() throws IOException {
    Path folder = folder("embed-mean");
    List<String> texts = texts(40);
    for (KernelTier tier : Set.of(KernelTier.SCALAR, KernelTier.select(Optional.empty()).tier())) {
      List<float[]> alone;
      try (Encoder encoder = Encoder.load(folder, options.kernels(tier).tokenBudget(1))) {
        alone = encoder.embed(texts);
      }
      for (int budget : new int[] {50, 333, 1024, 100_000}) {
        try (Encoder encoder = Encoder.load(folder, options.kernels(tier).tokenBudget(budget))) {
          assertSame(encoder.embed(texts), alone);
        }
      }
    }
  }

  @Test
  void longListsComeBackInOrder() throws IOException {
    List<String> few = texts(100);
    List<String> many = new ArrayList<>();
    for (int i = 0; i < 25; i++) {
      many.addAll(few);
    }
    try (Encoder encoder = Encoder.load(folder("embed-mean"), options)) {
      List<float[]> expected = encoder.embed(few);
      List<float[]> vectors = encoder.embed(many);
      assertThat(vectors).hasSize(2500);
      for (int i = 0; i < 25; i++) {
        assertSame(vectors.subList(i * 100, (i + 1) * 100), expected);
      }
      assertThat(encoder.embed(List.of())).isEmpty();
    }
  }

  @Test
  void manyThreadsGetTheAnswersOfOne() throws Exception {
    List<String> texts = texts(60);
    try (Encoder encoder = Encoder.load(folder("embed-mean"), options.tokenBudget(256));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<float[]> expected = encoder.embed(texts);
      List<Future<List<float[]>>> calls = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        int from = i % 50;
        calls.add(threads.submit(() -> encoder.embed(texts.subList(from, from + 10))));
      }
      for (int i = 0; i < calls.size(); i++) {
        int from = i % 50;
        assertSame(calls.get(i).get(), expected.subList(from, from + 10));
      }
    }
  }

  @Test
  void cutTextsAreToldOnceWithTheirIndex() throws IOException {
    String text = "whispering ".repeat(100);
    List<Cut> cuts = new ArrayList<>();
    try (Encoder encoder =
        Encoder.load(folder("classify-one-of-three"), options.onCut(cuts::add))) {
      int tokens = encoder.tokenizer().tokenCount(text);
      encoder.classify(List.of("short", text, "short"));
      assertThat(cuts).containsExactly(new Cut(1, tokens, 64));
      assertThat(cuts.getFirst())
          .hasToString("text 1 was cut: it takes " + tokens + " tokens, the model reads 64");
    }
  }

  @Test
  void closedEncodersRefuseAndCloseTwice() throws IOException {
    Encoder encoder = Encoder.load(folder("embed-mean"), options);
    Encoder other = encoder.with(encoder.model().transformer());
    assertSame(other.embed(List.of("fox")), encoder.embed(List.of("fox")));
    other.close();
    assertThatThrownBy(() -> other.embed("fox"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the encoder is closed");
    assertThat(encoder.embed("fox")).hasSize(64);
    encoder.close();
    encoder.close();
    assertThatThrownBy(() -> encoder.embed("fox"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void aBareEncoderPoolsByMeanAndSaysSo() throws IOException {
    Path folder = folder("embed-mean");
    List<float[]> published;
    try (Encoder encoder = Encoder.load(folder, options)) {
      published = encoder.embed(List.of("The quick brown fox"));
    }
    Files.delete(folder.resolve("modules.json"));
    List<String> warnings = new ArrayList<>();
    try (Encoder encoder = Encoder.load(folder, options.onWarning(warnings::add))) {
      float[] vector = encoder.embed("The quick brown fox");
      // The published one is normalized too.
      assertThat(Similarity.cosine(vector, published.getFirst())).isCloseTo(1, within(1e-6f));
      assertThat(Similarity.dot(vector, vector)).isGreaterThan(2);
    }
    assertThat(warnings)
        .singleElement()
        .asString()
        .isEqualTo(
            folder
                + " has no modules.json, which says how tokens become a text's vector: embed takes"
                + " their mean");
  }

  @Test
  void aBiEncoderRanksByCosine() throws IOException {
    List<String> documents = texts(20);
    try (Encoder encoder = Encoder.load(folder("embed-mean"), options)) {
      List<Ranked> ranking = encoder.rerank("The king jumps over a fox", documents);
      assertThat(ranking).extracting(Ranked::score).isSortedAccordingTo((a, b) -> b.compareTo(a));
      assertThat(ranking).extracting(Ranked::index).doesNotHaveDuplicates().hasSize(20);
      float[] query = encoder.embed("The king jumps over a fox");
      List<float[]> vectors = encoder.embed(documents);
      for (Ranked ranked : ranking) {
        assertThat(ranked.score())
            .isCloseTo(Similarity.cosine(query, vectors.get(ranked.index())), within(1e-5f));
      }
      assertThat(encoder.rerank("nothing", List.of())).isEmpty();
    }
  }

  @Test
  void offsetsCountCharsAndUnknownTokensStandAsInTheText() throws IOException {
    String text = "😀 fox \uD83D\uDE00 Anna";
    try (Encoder encoder = Encoder.load(folder("tokens"), options)) {
      List<Entity> all = encoder.tag(List.of(text), Aggregation.NONE, Set.of()).getFirst();
      assertThat(all)
          .filteredOn(e -> e.start() == 0 || e.start() == 7)
          .hasSize(2)
          .allSatisfy(e -> assertThat(e.word()).isEqualTo("😀"));
      assertThat(all.getLast().end()).isEqualTo(text.length());
      for (Aggregation aggregation : Aggregation.values()) {
        List<Entity> entities = encoder.tag(List.of(text), aggregation, Set.of()).getFirst();
        String words = String.join("", entities.stream().map(Entity::word).toList());
        assertThat(words).as("%s", aggregation).contains("😀").doesNotContain("[UNK]");
      }
    }
  }

  @Test
  void whatAModelCannotDoIsSaid() throws IOException {
    try (Encoder encoder = Encoder.load(folder("embed-mean"), options)) {
      assertThatThrownBy(() -> encoder.classify("fox"))
          .isInstanceOf(UnsupportedByModelException.class)
          .hasMessageEndingWith(
              "embed-mean has no labels for texts, so it cannot classify: its head is"
                  + " SentenceEmbedding");
      assertThatThrownBy(() -> encoder.tag("fox")).hasMessageContaining("cannot tag");
      assertThatThrownBy(() -> encoder.embed(List.of("fox"), Optional.of("poem")))
          .isInstanceOf(UnsupportedByModelException.class)
          .hasMessageStartingWith("the model has no prompt of that name: prompt=poem; it has [");
    }
    try (Encoder encoder = Encoder.load(folder("classify-one-of-three"), options)) {
      assertThatThrownBy(() -> encoder.embed("fox")).hasMessageContaining("no pooling");
      assertThatThrownBy(() -> encoder.score(List.of(new TextPair("a", "b"))))
          .hasMessageEndingWith("has 3 labels: a cross-encoder that scores has one");
      assertThatThrownBy(() -> encoder.classify(List.of("fox"), Candidates.oneOf("animal")))
          .isInstanceOf(UnsupportedByModelException.class)
          .hasMessageContaining("is entailment: [negative, neutral, positive]");
    }
  }

  @Test
  void refusesATokenizerWithMoreTokensThanTheModel() throws IOException {
    Path folder = folder("embed-mean");
    edit(
        folder.resolve("tokenizer.json"),
        "\"added_tokens\": [",
        """
        "added_tokens": [
        {"id": 800, "content": "<extra>", "single_word": false, "lstrip": false, "rstrip": false,
         "normalized": false, "special": false},
        """);
    assertThatThrownBy(() -> Encoder.load(folder, options))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("largest token id=800, rows of the word embeddings=800");
  }

  @Test
  void refusesAPaddingIdThatLeavesNoPositions() throws IOException {
    Path folder = folder("embed-mean");
    Path config = folder.resolve("config.json");
    edit(config, "\"model_type\": \"bert\"", "\"model_type\": \"roberta\"");
    try (Encoder encoder = Encoder.load(folder, options)) {
      assertThat(encoder.model().transformer().embeddings().maxTokens()).isEqualTo(63);
    }
    String before = "\"pad_token_id\": 0";
    for (String id : List.of("-2", "63", "2147483647")) {
      edit(config, before, "\"pad_token_id\": " + id);
      before = "\"pad_token_id\": " + id;
      assertThatThrownBy(() -> Encoder.load(folder, options))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("pad_token_id must be at least 0")
          .hasMessageContaining("max_position_embeddings - 1 = 63")
          .hasMessageEndingWith("not " + id);
    }
  }

  private static void edit(Path file, String from, String to) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }
}
