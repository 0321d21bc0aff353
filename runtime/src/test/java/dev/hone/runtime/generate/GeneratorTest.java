package dev.hone.runtime.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.Batch;
import dev.hone.model.Transformer;
import dev.hone.runtime.Engine;
import dev.hone.runtime.SeededModels;
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
import org.junit.jupiter.params.provider.ValueSource;

class GeneratorTest {
  private final Arena arena = Arena.ofShared();
  private final ComputePool pool = new ComputePool(2);

  @AfterEach
  void close() {
    arena.close();
    pool.close();
  }

  /** Prompts of unequal length in chunks, together, against each whole text run again and again. */
  @ParameterizedTest
  @ValueSource(strings = {"llama", "gemma3", "gpt2", "mixtral"})
  void greedyIsTheLargestOfTheWholeText(String family) {
    Transformer model = SeededModels.of(family, arena);
    Random random = new Random(7);
    List<int[]> prompts =
        List.of(
            random.ints(1, 0, 256).toArray(),
            random.ints(70, 0, 256).toArray(),
            random.ints(9, 0, 256).toArray());
    try (Engine engine = new Engine(model, KernelTier.VECTOR.create(pool))) {
      List<int[]> told = new ArrayList<>();
      List<int[]> answers =
          new Generator(engine, 15, 1 << 20)
              .greedy(prompts, 12, (s, token, logits) -> told.add(new int[] {s, token}));
      for (int s = 0; s < prompts.size(); s++) {
        int[] text = prompts.get(s);
        for (int step = 0; step < 12; step++) {
          float[][] logits = engine.run(Batch.of(List.of(text)));
          float[] last = logits[logits.length - 1];
          int chosen = answers.get(s)[step];
          for (float logit : last) {
            assertThat(last[chosen]).isGreaterThanOrEqualTo(logit - 1e-4f);
          }
          assertThat(told.get(step * 3 + s)).containsExactly(s, chosen);
          text = Arrays.copyOf(text, text.length + 1);
          text[text.length - 1] = chosen;
        }
      }
    }
  }

  @Test
  void refusesWhatTheModelCannotRead() {
    Transformer model = SeededModels.of("gpt2", arena); // 128 positions
    try (Engine engine = new Engine(model, KernelTier.VECTOR.create(pool))) {
      var generator = new Generator(engine);
      assertThat(generator.greedy(List.of(new int[120]), 9, (s, t, l) -> {}).getFirst()).hasSize(9);
      assertThatThrownBy(() -> generator.greedy(List.of(new int[120]), 10, (s, t, l) -> {}))
          .hasMessageContaining("prompt tokens=120, tokens to add=10")
          .hasMessageContaining("at most 128");
      assertThatThrownBy(() -> generator.greedy(List.of(new int[0]), 1, (s, t, l) -> {}))
          .hasMessageContaining("prompt tokens=0");
    }
  }
}
