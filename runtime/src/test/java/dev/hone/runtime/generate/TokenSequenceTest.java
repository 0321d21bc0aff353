package dev.hone.runtime.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.model.Batch;
import dev.hone.model.Transformer;
import dev.hone.runtime.Engine;
import dev.hone.runtime.SeededModels;
import dev.hone.runtime.cache.PagedCache;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenSequenceTest {
  private final Arena arena = Arena.ofShared();
  private final ComputePool pool = new ComputePool(2);

  @AfterEach
  void close() {
    arena.close();
    pool.close();
  }

  private static int[] text(long seed, int length) {
    return new Random(seed).ints(length, 0, 256).toArray();
  }

  private static void assertLogits(Engine engine, TokenSequence sequence) {
    float[][] whole = engine.run(Batch.of(List.of(sequence.tokens())));
    float[] last = whole[whole.length - 1];
    for (int i = 0; i < last.length; i++) {
      assertThat(sequence.logits()[i]).isCloseTo(last[i], within(1e-4f));
    }
  }

  private static void read(PackedSteps steps, TokenSequence sequence) {
    while (sequence.unread() > 0) {
      steps.step(List.of(sequence));
    }
  }

  /** Forks go their own ways behind what they share; mistral's window is 16. */
  @ParameterizedTest
  @ValueSource(strings = {"llama", "mistral", "gemma3"})
  void forksAndOtherTextsAreAsIfReadAlone(String family) {
    Transformer model = SeededModels.of(family, arena);
    try (Engine engine = new Engine(model, KernelTier.VECTOR.create(pool));
        var cache = new PagedCache(model, 64 << 20)) {
      var steps = new PackedSteps(engine, cache, 13);
      var first = new TokenSequence(cache, text(1, 70));
      read(steps, first);
      TokenSequence second = first.fork();
      assertLogits(engine, second);
      long bytes = cache.availableBytes();
      first.append(3);
      second.append(9);
      steps.step(List.of(first, second));
      assertLogits(engine, first);
      assertLogits(engine, second);
      second.close();
      assertThat(cache.availableBytes()).isGreaterThan(bytes);

      int[] other = Arrays.copyOf(text(1, 70), 80);
      int kept = first.become(other);
      assertThat(kept).isEqualTo(70);
      read(steps, first);
      assertLogits(engine, first);
      other[40] ^= 1;
      kept = first.become(other);
      assertThat(kept).isEqualTo(family.equals("llama") ? 40 : 0);
      read(steps, first);
      assertLogits(engine, first);
      assertThat(first.become(other)).isEqualTo(79);
      assertThatThrownBy(first::logits).hasMessageContaining("tokens to read before");
      first.close();
    }
  }

  /** Single tokens are never kept waiting by a prompt, and prompts share what is left. */
  @Test
  void promptsShareTheBudgetAndHoldNobodyUp() {
    Transformer model = SeededModels.of("llama", arena);
    try (Engine engine = new Engine(model, KernelTier.VECTOR.create(pool));
        var cache = new PagedCache(model, 64 << 20)) {
      var steps = new PackedSteps(engine, cache, 10);
      var one = new TokenSequence(cache, text(1, 1));
      var longer = new TokenSequence(cache, text(2, 12));
      var last = new TokenSequence(cache, text(3, 4));
      assertThat(steps.step(List.of(longer, last, one))).isEqualTo(10);
      assertThat(List.of(longer.unread(), last.unread(), one.unread())).containsExactly(3, 4, 0);
      one.append(5);
      assertThat(steps.step(List.of(longer, last, one))).isEqualTo(8);
      assertThat(List.of(longer.unread(), last.unread(), one.unread())).containsExactly(0, 0, 0);
      for (TokenSequence sequence : List.of(one, longer, last)) {
        assertLogits(engine, sequence);
      }
      assertThatThrownBy(() -> steps.step(List.of(one))).hasMessageContaining("nothing to read");
      assertThatThrownBy(() -> new TokenSequence(cache, new int[0]))
          .isInstanceOf(PromptException.class);
    }
  }
}
