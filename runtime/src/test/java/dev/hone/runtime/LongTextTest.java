package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Batch;
import dev.hone.model.Transformer;
import dev.hone.runtime.cache.CachedSequence;
import dev.hone.runtime.cache.PagedCache;
import dev.hone.runtime.generate.TokenSequence;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Positions that depend on how long a text is: 16 tokens change all that came before them. */
class LongTextTest {
  private static final float TOLERANCE = 2e-5f;
  private static final int ORIGINAL = 16;

  private final Arena arena = Arena.ofShared();
  private final ComputePool pool = new ComputePool(2);

  @AfterEach
  void close() {
    arena.close();
    pool.close();
  }

  private Transformer model(String scaling) {
    Consumer<ObjectNode> change =
        config -> {
          ObjectNode rope = (ObjectNode) config.get("rope_parameters");
          rope.put("rope_type", scaling);
          if (scaling.equals("longrope")) {
            rope.put("original_max_position_embeddings", ORIGINAL);
            for (int i = 0; i < 8; i++) {
              rope.withArray("short_factor").add(1 + 0.1 * i);
              rope.withArray("long_factor").add(2 + i);
            }
          } else {
            config.put("max_position_embeddings", ORIGINAL);
            rope.put("factor", 4.0);
          }
        };
    return SeededModels.of("phi3", arena, change);
  }

  private Engine engine(Transformer model) {
    return new Engine(model, KernelTier.VECTOR.create(pool));
  }

  private static int[] text(int seed, int length) {
    return new Random(seed).ints(length, 0, 256).toArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"longrope", "dynamic"})
  void textsOfAllLengthsArePackedAsAlone(String scaling) {
    try (Engine engine = engine(model(scaling))) {
      List<int[]> texts = List.of(text(1, 10), text(2, 40), text(3, ORIGINAL), text(4, 17));
      float[][] packed = engine.run(Batch.of(texts));
      int row = 0;
      for (int[] text : texts) {
        float[][] alone = engine.run(Batch.of(List.of(text)));
        assertClose(Arrays.copyOfRange(packed, row, row + text.length), alone);
        row += text.length;
      }
      // The second token of a long text is not the one of a short text that begins alike: the first
      // has nothing to turn against.
      float[][] whole = engine.run(Batch.of(List.of(text(2, 40))));
      float[][] head = engine.run(Batch.of(List.of(Arrays.copyOf(text(2, 40), 9))));
      assertThat(largest(whole[8], head[8])).isGreaterThan(1e-3f);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"longrope", "dynamic"})
  void chunksOfATextThatIsKnownToBeLongAreTheWhole(String scaling) {
    Transformer model = model(scaling);
    int[] text = text(5, 40);
    try (Engine engine = engine(model);
        var cache = new PagedCache(model, 1 << 20);
        CachedSequence sequence = cache.open(text.length)) {
      float[][] whole = engine.run(Batch.of(List.of(text)));
      for (int from = 0; from < 40; from += 10) {
        int[] part = Arrays.copyOfRange(text, from, from + 10);
        float[][] logits = engine.run(Batch.of(List.of(part)), cache.of(List.of(sequence)));
        assertClose(logits, Arrays.copyOfRange(whole, from, from + 10));
      }
    }
  }

  @Test
  void aTextThatGrowsUnannouncedIsRefused() {
    Transformer model = model("longrope");
    try (Engine engine = engine(model);
        var cache = new PagedCache(model, 1 << 20);
        CachedSequence sequence = cache.open()) {
      engine.run(Batch.of(List.of(text(6, ORIGINAL))), cache.of(List.of(sequence)));
      assertThatThrownBy(
              () -> engine.run(Batch.of(List.of(text(7, 1))), cache.of(List.of(sequence))))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("sequence 0 grows from 16 to 17 tokens");
      assertThat(sequence.length()).isEqualTo(ORIGINAL);
      assertThat(sequence.mean(17)).isFalse();
      assertThat(sequence.mean(12)).isTrue();
    }
  }

  /** Generation reads the text anew where its positions change, so that it stays exact. */
  @ParameterizedTest
  @ValueSource(strings = {"longrope", "dynamic"})
  void generatedTextsAreReadAnewWhereTheyBecomeLong(String scaling) {
    Transformer model = model(scaling);
    int[] text = text(8, 20);
    try (Engine engine = engine(model);
        var cache = new PagedCache(model, 1 << 20);
        var sequence = new TokenSequence(cache, Arrays.copyOf(text, 14))) {
      var steps = new dev.hone.runtime.generate.PackedSteps(engine, cache, 512);
      for (int length = 14; length < 20; length++) {
        while (sequence.unread() > 0) {
          steps.step(List.of(sequence));
        }
        float[][] whole = engine.run(Batch.of(List.of(Arrays.copyOf(text, length))));
        assertClose(new float[][] {sequence.logits()}, new float[][] {whole[length - 1]});
        sequence.append(text[length]);
        assertThat(sequence.unread() > 1)
            .isEqualTo(length == ORIGINAL || scaling.equals("dynamic") && length > ORIGINAL);
      }
    }
  }

  private static float largest(float[] a, float[] b) {
    float largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i] - b[i]));
    }
    return largest;
  }

  private static void assertClose(float[][] rows, float[][] expected) {
    assertThat(rows.length).isEqualTo(expected.length);
    for (int r = 0; r < rows.length; r++) {
      assertThat(largest(rows[r], expected[r])).isCloseTo(0, within(TOLERANCE));
    }
  }
}
