package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.compress.CalibratedGoldens;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.quantize.Rounding.Method;
import dev.hone.tensor.DType.Affine;
import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The errors that llm-compressor's GPTQ reached on a tiny Llama, on the same calibration tokens.
 */
@Tag("shared")
class GptqTest {
  @ParameterizedTest
  @CsvSource({
    "gptq-w4-g32-symmetric, false, GPTQ_RANGE, 1.03",
    "gptq-w4-g32-symmetric, false, GPTQ, 0.77",
    "gptq-w4-g32-symmetric, true, GPTQ, 0.77",
    "gptq-w4-g32-asymmetric-static-order, true, GPTQ_RANGE, 1.03",
    "gptq-w4-g32-asymmetric-static-order, false, GPTQ, 0.92",
    "gptq-w4-g32-asymmetric-static-order, true, GPTQ, 0.92",
  })
  void reachesTheGoldensErrors(String golden, boolean order, Method method, double most)
      throws IOException {
    try (var goldens = new CalibratedGoldens()) {
      var pass =
          new Encode(
              new Affine(4, 32, golden.endsWith("-symmetric")),
              new Rounding(method, 0.01, order),
              LayerSelection.blocks());
      assertThat(goldens.errorBeside(golden, pass)).isLessThan(most);
    }
  }
}
