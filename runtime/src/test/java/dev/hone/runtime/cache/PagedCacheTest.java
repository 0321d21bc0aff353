package dev.hone.runtime.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.Batch;
import dev.hone.model.Transformer;
import dev.hone.runtime.Engine;
import dev.hone.runtime.SeededModels;
import dev.hone.tensor.KeyValueType;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A cache changes nothing: however a text is cut into batches, and whatever stands beside it in
 * them, every token's logits are those of the whole text alone. Texts are longer than the windows
 * and than a page.
 */
class PagedCacheTest {
  /** Sums run in another order when other tokens stand beside. */
  private static final float TOLERANCE = 2e-5f;

  private static final int LENGTH = 100;
  private static final long PLENTY = 64 << 20;

  private final Arena arena = Arena.ofShared();
  private final ComputePool pool = new ComputePool(2);

  static List<String> families() {
    return SeededModels.FAMILIES;
  }

  /** The smallest difference may send a token to other experts, and then all is other. */
  static List<String> familiesWithoutExperts() {
    return families().stream().filter(f -> !List.of("mixtral", "qwen3-moe").contains(f)).toList();
  }

  @AfterEach
  void close() {
    arena.close();
    pool.close();
  }

  private Engine engine(Transformer model) {
    return new Engine(model, KernelTier.VECTOR.create(pool));
  }

  private static int[] text(long seed, int length) {
    return new Random(seed).ints(length, 0, 256).toArray();
  }

  @ParameterizedTest
  @MethodSource("families")
  void tokenByTokenAndChunkByChunkAreTheWholeText(String family) {
    Transformer model = SeededModels.of(family, arena);
    int[] text = text(1, LENGTH);
    try (Engine engine = engine(model);
        var cache = new PagedCache(model, PLENTY)) {
      float[][] whole = engine.run(Batch.of(List.of(text)));
      assertThat(spread(whole)).isGreaterThan(0.1);
      for (int chunk : new int[] {1, 7, 33, LENGTH}) {
        try (CachedSequence sequence = cache.open()) {
          var logits = new ArrayList<float[]>();
          for (int from = 0; from < text.length; from += chunk) {
            int[] part = Arrays.copyOfRange(text, from, Math.min(text.length, from + chunk));
            Batch batch = Batch.of(List.of(part));
            logits.addAll(List.of(engine.run(batch, cache.of(List.of(sequence)))));
          }
          assertClose(logits.toArray(float[][]::new), whole);
        }
      }
    }
  }

  /**
   * Stored in fewer bits, keys and values are others, but the same however a text is cut: those of
   * a batch are read from the cache too. Bounds: half a unit of F16's last place is 2^-12 of a
   * number, half a step of INT8 1/255 of a head's largest; logits move by a few times that of their
   * spread.
   */
  @ParameterizedTest
  @MethodSource("familiesWithoutExperts")
  void fewerBitsCostALittle(String family) {
    Transformer model = SeededModels.of(family, arena);
    int[] text = text(1, LENGTH);
    try (Engine engine = engine(model)) {
      float[][] whole = engine.run(Batch.of(List.of(text)));
      for (KeyValueType type : List.of(KeyValueType.F16, KeyValueType.INT8)) {
        try (var cache = new PagedCache(model, type, PLENTY);
            CachedSequence atOnce = cache.open();
            CachedSequence inParts = cache.open()) {
          float[][] stored = engine.run(Batch.of(List.of(text)), cache.of(List.of(atOnce)));
          double error = difference(stored, whole) / spread(whole);
          assertThat(error).isBetween(1e-7, type == KeyValueType.F16 ? 4e-3 : 0.1);
          var logits = new ArrayList<float[]>();
          for (int from = 0; from < text.length; from += 9) {
            int[] part = Arrays.copyOfRange(text, from, Math.min(text.length, from + 9));
            logits.addAll(List.of(engine.run(Batch.of(List.of(part)), cache.of(List.of(inParts)))));
          }
          assertThat(difference(logits.toArray(float[][]::new), stored) / spread(whole))
              .isLessThan(type == KeyValueType.F16 ? 2e-3 : 0.05);
          try (CachedSequence copy = inParts.fork()) {
            Batch next = Batch.of(List.of(text(9, 1), text(9, 1)));
            float[][] both = engine.run(next, cache.of(List.of(inParts, copy)));
            assertThat(both[1]).isEqualTo(both[0]);
          }
        }
      }
    }
  }

  private static double difference(float[][] a, float[][] b) {
    double largest = 0;
    for (int r = 0; r < a.length; r++) {
      for (int i = 0; i < a[r].length; i++) {
        largest = Math.max(largest, Math.abs(a[r][i] - b[r][i]));
      }
    }
    return largest;
  }

  /** A head of 16 numbers takes 64, 32, and 16 + 4 bytes; a page has 32 tokens of 2 heads. */
  @ParameterizedTest
  @CsvSource({"F32, 64", "F16, 32", "INT8, 20"})
  void pagesTakeWhatTheirTypeTakes(KeyValueType type, long headBytes) {
    Transformer model = SeededModels.of("mistral", arena); // window 16 in all three layers
    long page = 2 * 32 * 2 * headBytes;
    try (Engine engine = engine(model);
        var cache = new PagedCache(model, type, 100 * page);
        CachedSequence sequence = cache.open()) {
      assertThat(cache.availableBytes()).isEqualTo(100 * page);
      for (int[] chunk : List.of(text(1, 40), text(2, 40), text(3, 40))) {
        engine.run(Batch.of(List.of(chunk)), cache.of(List.of(sequence)));
      }
      assertThat(cache.availableBytes()).isEqualTo(97 * page);
    }
  }

  /** Sequences of unequal past, in changing company: a prompt beside single tokens. */
  @ParameterizedTest
  @MethodSource("families")
  void companyChangesNothing(String family) {
    Transformer model = SeededModels.of(family, arena);
    List<int[]> texts = List.of(text(2, 60), text(3, 41), text(4, 90));
    try (Engine engine = engine(model);
        var cache = new PagedCache(model, PLENTY)) {
      var whole = texts.stream().map(t -> engine.run(Batch.of(List.of(t)))).toList();
      var sequences = texts.stream().map(_ -> cache.open()).toList();
      int[][] steps = {{0, 7, 50}, {13, 1, 1}, {1, 0, 1}, {40, 33, 38}, {6, 0, 0}};
      for (int[] step : steps) {
        var parts = new ArrayList<int[]>();
        var behind = new ArrayList<CachedSequence>();
        var expected = new ArrayList<float[]>();
        for (int s = 0; s < step.length; s++) {
          if (step[s] > 0) {
            int from = sequences.get(s).length();
            parts.add(Arrays.copyOfRange(texts.get(s), from, from + step[s]));
            expected.addAll(Arrays.asList(whole.get(s)).subList(from, from + step[s]));
            behind.add(sequences.get(s));
          }
        }
        assertClose(
            engine.run(Batch.of(parts), cache.of(behind)), expected.toArray(float[][]::new));
      }
      assertThat(sequences.stream().map(CachedSequence::length)).containsExactly(60, 41, 90);
      sequences.forEach(CachedSequence::close);
    }
  }

  /** The next token's logits are the last row of all. */
  @ParameterizedTest
  @MethodSource("families")
  void nextIsTheLastRow(String family) {
    Transformer model = SeededModels.of(family, arena);
    try (Engine engine = engine(model);
        var cache = new PagedCache(model, PLENTY);
        CachedSequence a = cache.open();
        CachedSequence b = cache.open()) {
      Batch batch = Batch.of(List.of(text(5, 9), text(6, 4)));
      float[][] all = engine.run(batch);
      float[][] next = engine.next(batch, cache.of(List.of(a, b)));
      assertClose(next, new float[][] {all[8], all[12]});
    }
  }

  @Test
  void whatAWindowLeavesBehindIsGivenBack() {
    Transformer model = SeededModels.of("mistral", arena); // window 16 in all three layers
    try (Engine engine = engine(model);
        var cache = new PagedCache(model, PLENTY);
        CachedSequence sequence = cache.open()) {
      long before = cache.availableBytes();
      for (int[] chunk : List.of(text(1, 40), text(2, 40), text(3, 40))) {
        engine.run(Batch.of(List.of(chunk)), cache.of(List.of(sequence)));
      }
      // of 120 tokens the next sees 15: those from 105 on, which lie in the page that begins at 96
      long page = 2L * PagedCache.PAGE_TOKENS * 32 * Float.BYTES;
      assertThat(before - cache.availableBytes()).isEqualTo(3 * page);
      assertThatThrownBy(() -> sequence.truncate(100))
          .hasMessageContaining("a layer has given the first 96 of the sequence away");
      assertThat(sequence.length()).isEqualTo(120);
    }
  }

  @Test
  void truncatedSequencesGoOnWithOtherTokens() {
    Transformer model = SeededModels.of("llama", arena);
    int[] text = text(1, 70);
    try (Engine engine = engine(model);
        var cache = new PagedCache(model, PLENTY);
        CachedSequence sequence = cache.open()) {
      float[][] whole = engine.run(Batch.of(List.of(text)));
      engine.run(Batch.of(List.of(Arrays.copyOf(text, 50))), cache.of(List.of(sequence)));
      engine.run(Batch.of(List.of(text(9, 20))), cache.of(List.of(sequence)));
      sequence.truncate(50);
      float[][] rest =
          engine.run(
              Batch.of(List.of(Arrays.copyOfRange(text, 50, 70))), cache.of(List.of(sequence)));
      assertClose(rest, Arrays.copyOfRange(whole, 50, 70));
      assertThatThrownBy(() -> sequence.truncate(71)).hasMessageContaining("has 70");
    }
  }

  @Test
  void aFullCacheSaysSoAndTheSequenceIsAsItWas() {
    Transformer model = SeededModels.of("llama", arena);
    long page = 2L * PagedCache.PAGE_TOKENS * 32 * Float.BYTES;
    try (Engine engine = engine(model);
        var cache = new PagedCache(model, 7 * page)) { // two pages in each of three layers, and one
      int[] text = text(1, 80);
      float[][] whole = engine.run(Batch.of(List.of(text)));
      try (CachedSequence sequence = cache.open()) {
        Batch first = Batch.of(List.of(Arrays.copyOf(text, 60)));
        engine.run(first, cache.of(List.of(sequence)));
        Batch rest = Batch.of(List.of(Arrays.copyOfRange(text, 60, 80)));
        assertThatThrownBy(() -> engine.run(rest, cache.of(List.of(sequence))))
            .isInstanceOf(CacheFullException.class)
            .hasMessageContaining("pages=7");
        assertThat(sequence.length()).isEqualTo(60);
        Batch fits = Batch.of(List.of(Arrays.copyOfRange(text, 60, 64)));
        assertClose(
            engine.run(fits, cache.of(List.of(sequence))), Arrays.copyOfRange(whole, 60, 64));
      }
      assertThat(cache.availableBytes()).isEqualTo(7 * page);
    }
  }

  @Test
  void refusesSequencesOfOthers() {
    Transformer model = SeededModels.of("llama", arena);
    try (var cache = new PagedCache(model, PLENTY);
        var other = new PagedCache(model, PLENTY);
        CachedSequence foreign = other.open()) {
      assertThatThrownBy(() -> cache.of(List.of(foreign)))
          .hasMessageContaining("belongs to another cache, or is closed");
      CachedSequence own = cache.open();
      assertThatThrownBy(() -> cache.of(List.of(own, own))).hasMessageContaining("only once");
      own.close();
      assertThatThrownBy(() -> cache.of(List.of(own))).hasMessageContaining("is closed");
    }
  }

  private static double spread(float[][] rows) {
    double squares = 0;
    for (float[] row : rows) {
      for (float value : row) {
        squares += value * value;
      }
    }
    return Math.sqrt(squares / rows.length / rows[0].length);
  }

  private static void assertClose(float[][] actual, float[][] expected) {
    assertThat(actual).hasDimensions(expected.length, expected[0].length);
    double bound = TOLERANCE * Math.max(1, spread(expected));
    for (int t = 0; t < actual.length; t++) {
      for (int i = 0; i < actual[t].length; i++) {
        if (!(Math.abs(actual[t][i] - expected[t][i]) <= bound)) {
          assertThat(actual[t][i]).as("row %d, column %d", t, i).isEqualTo(expected[t][i]);
        }
      }
    }
  }
}
