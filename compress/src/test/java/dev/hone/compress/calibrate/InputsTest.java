package dev.hone.compress.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.compress.RecipeException;
import dev.hone.model.Linear;
import dev.hone.model.Weight;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InputsTest {
  private final ComputePool pool = new ComputePool(1);
  private final Arena arena = Arena.ofShared();
  private final Calibration calibration =
      new Calibration(
          List.of(),
          KernelTier.select(Optional.empty()).tier().create(pool),
          pool,
          _ -> {},
          _ -> {},
          Optional.empty());

  @AfterEach
  void close() {
    pool.close();
    arena.close();
  }

  private Linear layer(String name) {
    return new Linear(new Weight(name + ".weight", Tensor.allocate(arena, Plain.F32, 1, 2)), null);
  }

  private Tensor tokens(float... numbers) {
    return Tensor.copyOf(arena, numbers, numbers.length / 2, 2);
  }

  @Test
  void neighboursThatReadTheSameShareWhatIsMadeOfIt() {
    Linear query = layer("query");
    Linear key = layer("key");
    Linear output = layer("output");
    var inputs = new Inputs(Gram.Extent.ALL);
    for (int batch = 0; batch < 2; batch++) {
      var seen = inputs.batch(calibration, _ -> true);
      Tensor same = tokens(1, 2, 3, 4);
      seen.accept(query, same);
      seen.accept(key, same);
      seen.accept(output, tokens(1, 0));
    }
    List<String> made = new ArrayList<>();
    var tokens =
        inputs.handedOut(
            gram -> {
              made.add(gram.layer());
              return gram.tokens();
            });
    assertThat(tokens.apply(query)).contains(4L);
    assertThat(tokens.apply(key)).contains(4L);
    assertThat(tokens.apply(output)).contains(2L);
    assertThat(tokens.apply(output)).as("handed out already").isEmpty();
    assertThat(made).containsExactly("query", "output");
  }

  /** Numbers that are none, and numbers whose squares are too large for F32. */
  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, -1e20f})
  void namesTheLayerThatReadsNoFiniteNumbers(float number) {
    Linear layer = layer("block.7.down");
    var inputs = new Inputs(Gram.Extent.ALL);
    inputs.batch(calibration, _ -> true).accept(layer, tokens(1, 2, number, 4));
    assertThatThrownBy(() -> inputs.of(layer))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("block.7.down reads numbers whose squares are not finite")
        .hasMessageContaining("the largest is " + Math.abs(number));
  }
}
