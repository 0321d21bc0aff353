package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.model.Batch;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Processor;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights whose columns stand in another order give what the same numbers in F32 give. */
class ColumnOrderTest {
  /** Logits of about 1; of products by tiles, whose F32 have 16 bits, more. */
  private static float tolerance(KernelTier tier) {
    return tier == KernelTier.ASSEMBLED && Processor.here().features().contains("amx_bf16")
        ? 3e-4f
        : 2e-5f;
  }

  @ParameterizedTest
  @EnumSource
  void productsReadInputsInTheirOrder(KernelTier tier) {
    try (Arena arena = Arena.ofShared();
        var pool = new ComputePool(2)) {
      Random random = new Random(3);
      Transformer model = SeededModels.of("llama", arena);
      Transformer reordered =
          map(
              model,
              weight -> {
                Tensor encoded = Layouts.encode(weight, new Affine(4, 16, false), arena);
                List<Integer> order =
                    IntStream.range(0, (int) weight.cols())
                        .boxed()
                        .collect(Collectors.toCollection(java.util.ArrayList::new));
                Collections.shuffle(order, random);
                return encoded.inColumnOrder(order.stream().mapToInt(i -> i).toArray());
              });
      Transformer plain = map(reordered, weight -> Layouts.decode(weight, arena));
      Batch batch = Batch.of(List.of(random.ints(20, 0, 256).toArray()));
      try (Engine first = new Engine(reordered, tier.create(pool));
          Engine second = new Engine(plain, tier.create(pool))) {
        float[][] logits = first.run(batch);
        float[][] expected = second.run(batch);
        for (int t = 0; t < logits.length; t++) {
          for (int i = 0; i < logits[t].length; i++) {
            assertThat(logits[t][i]).isCloseTo(expected[t][i], within(tolerance(tier)));
          }
        }
      }
    }
  }

  private static Transformer map(Transformer model, UnaryOperator<Tensor> weights) {
    return model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            return layer.with(weights.apply(layer.weight().tensor()));
          }
        });
  }
}
