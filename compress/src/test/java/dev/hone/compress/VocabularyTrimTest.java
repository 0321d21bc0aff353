package dev.hone.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.model.Batch;
import dev.hone.model.folder.Model;
import dev.hone.runtime.BlockEngine;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import dev.hone.tokenizer.Tokenizer;
import dev.hone.tokenizer.TokenizerException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With fewer tokens a model answers to the texts it was trimmed for as before, bit by bit. */
class VocabularyTrimTest {
  private static final List<String> TEXTS = TinyModel.texts(20, 1);
  private static final String OTHER = "Wherefore art thou Romeo? 1597, Verona!";

  @TempDir private Path folder;

  private static Encoder load(Path model) {
    return Encoder.load(model, EncoderOptions.defaults().threads(1).kernels(KernelTier.SCALAR));
  }

  @Test
  void wordPieceOfAnEmbedder() throws IOException {
    check(TinyModel.in(folder), TEXTS, List.of(OTHER));
  }

  @Test
  void tokensAreCountedAnewOnceMore() throws IOException {
    Path source = TinyModel.in(folder);
    check(source, TEXTS, List.of(OTHER));
    Path again = folder.resolve("again");
    new VocabularyTrim(folder.resolve("trimmed"), "tiny", again)
        .run(TEXTS.subList(0, 2), List.of());
    try (Encoder before = load(source);
        Encoder after = load(again)) {
      assertThat(after.embed(TEXTS.get(0))).isEqualTo(before.embed(TEXTS.get(0)));
    }
  }

  @Tag("shared")
  @Test
  void miniLmForSentencesOfFilms() throws IOException {
    Path sst2 = Path.of(System.getProperty("hone.shared"), "assets/text/sst2");
    List<String> dev = texts(sst2.resolve("dev.tsv"));
    Path minilm = Hub.system().resolve("minilm", Progress.NONE);
    VocabularyTrim.Result result = check(minilm, dev, texts(sst2.resolve("test.tsv")));
    assertThat(result.tokensAfter()).isLessThan(12_000);
    assertThat(result.bytesAfter()).isLessThan(result.bytesBefore() * 7 / 10);
    assertThat(result.cutOtherwise() / (double) result.heldOut()).isBetween(0.001, 0.15);
  }

  private static List<String> texts(Path file) throws IOException {
    return Files.readAllLines(file).stream().skip(1).map(line -> line.split("\t")[0]).toList();
  }

  private VocabularyTrim.Result check(Path source, List<String> texts, List<String> heldOut)
      throws IOException {
    Path target = folder.resolve("trimmed");
    VocabularyTrim.Result result = new VocabularyTrim(source, "tiny", target).run(texts, heldOut);
    assertThat(result.tokensAfter()).isLessThan(result.tokensBefore());
    assertThat(result.bytesAfter()).isLessThan(result.bytesBefore());
    assertThat(result.cutOtherwise()).isBetween(1L, result.heldOut());
    List<String> some = texts.subList(0, Math.min(50, texts.size()));
    try (Encoder before = load(source);
        Encoder after = load(target)) {
      assertThat(after.embed(some).toArray(float[][]::new))
          .isDeepEqualTo(before.embed(some).toArray(float[][]::new));
      assertThat(after.embed(OTHER)).hasSameSizeAs(before.embed(OTHER));
    }
    return result;
  }

  /** Byte-level BPE, over a table that is the output head too, and beside one of its own. */
  @Tag("shared")
  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "qwen2", "llama"})
  void byteLevelBpeOfADecoder(String name) throws IOException {
    Path goldens = Path.of(System.getProperty("hone.shared"), "goldens");
    Path source = Files.createDirectory(folder.resolve(name));
    Files.writeString(source.resolve("tokenizer.json"), pairsOfLetters());
    for (String file : List.of("config.json", "generation_config.json", "model.safetensors")) {
      Files.copy(goldens.resolve(name).resolve(file), source.resolve(file));
    }
    Path target = folder.resolve("trimmed");
    VocabularyTrim.Result result =
        new VocabularyTrim(source, name, target).run(List.of("abcdef fed"), List.of("badge"));
    assertThat(result.tokensAfter()).isEqualTo(9 + 4); // letters, the space; ab, cd, ef, fe
    try (Model before = Model.load(source);
        Model after = Model.load(target);
        Tokenizer old = Tokenizer.load(source);
        Tokenizer trimmed = Tokenizer.load(target)) {
      int[] was = old.encode("abcdef fed", Tokenizer.UNLIMITED).ids();
      int[] is = trimmed.encode("abcdef fed", Tokenizer.UNLIMITED).ids();
      assertThat(Arrays.stream(is).mapToObj(trimmed::idToToken))
          .containsExactlyElementsOf(Arrays.stream(was).mapToObj(old::idToToken).toList());
      assertThat(trimmed.decode(trimmed.encode("badge", Tokenizer.UNLIMITED).ids(), true))
          .isEqualTo("badge");
      float[][] logits = logits(before, was);
      float[][] ours = logits(after, is);
      for (int t = 0; t < is.length; t++) {
        for (int id = 0; id < result.tokensAfter(); id++) {
          int place = old.tokenToId(trimmed.idToToken(id)).orElseThrow();
          assertThat(ours[t][id]).isEqualTo(logits[t][place]);
        }
      }
    }
  }

  /** Of a to h, every two of them, and the space. */
  private static String pairsOfLetters() {
    List<String> letters = List.of("a", "b", "c", "d", "e", "f", "g", "h");
    List<String> vocabulary = new ArrayList<>(letters);
    vocabulary.add("\u0120");
    List<String> merges = new ArrayList<>();
    for (String first : letters) {
      for (String second : letters) {
        vocabulary.add(first + second);
        merges.add("\"" + first + " " + second + "\"");
      }
    }
    String ids =
        IntStream.range(0, vocabulary.size())
            .mapToObj(id -> "\"" + vocabulary.get(id) + "\": " + id)
            .collect(Collectors.joining(", "));
    String bytes =
        "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true,"
            + " \"use_regex\": true}";
    return """
    {"version": "1.0", "added_tokens": [], "pre_tokenizer": %s, "decoder": %s,
     "model": {"type": "BPE", "vocab": {%s}, "merges": [%s]}}
    """
        .formatted(bytes, bytes, ids, String.join(", ", merges));
  }

  /** [token, entry]. */
  private static float[][] logits(Model model, int[] ids) {
    Batch batch = Batch.of(List.of(ids));
    try (var pool = new ComputePool(1);
        Arena arena = Arena.ofConfined()) {
      var kernels = KernelTier.SCALAR.create(pool);
      Tensor x;
      try (var embeddings = BlockEngine.embeddings(model.transformer(), kernels)) {
        x = Layouts.decode(embeddings.embeddings(batch), arena);
      }
      for (var block : model.transformer().blocks()) {
        try (var engine = BlockEngine.of(model.transformer(), block, kernels)) {
          x = Layouts.decode(engine.run(x, batch), arena);
        }
      }
      try (var answers = BlockEngine.answers(model.transformer(), kernels)) {
        Tensor logits = answers.answers(x, batch);
        float[][] rows = new float[(int) logits.rows()][];
        for (int r = 0; r < rows.length; r++) {
          rows[r] = logits.row(r).toArray(Tensor.FLOAT);
        }
        return rows;
      }
    }
  }

  @Test
  void refusesAFolderWithoutATokenizerJson() throws IOException {
    Path source = TinyModel.in(folder);
    Files.delete(source.resolve("tokenizer.json"));
    Files.writeString(source.resolve("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n");
    assertThatThrownBy(
            () -> new VocabularyTrim(source, "tiny", folder.resolve("none")).run(TEXTS, List.of()))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("Only a tokenizer.json is trimmed");
    assertThat(folder.resolve("none")).doesNotExist();
  }
}
