package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.Recipe;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.model.Batch;
import dev.hone.model.Block;
import dev.hone.model.LayerMap;
import dev.hone.model.Norm;
import dev.hone.model.Transformer;
import dev.hone.model.folder.Model;
import dev.hone.runtime.Engine;
import dev.hone.tensor.DType;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FoldingTest {
  private static final Path GOLDENS =
      Path.of(
          System.getProperty("hone.root"), "measure/src/test/resources/dev/hone/measure/goldens");

  private final ComputePool pool = new ComputePool(2);
  private final Kernels kernels = KernelTier.select(Optional.empty()).tier().create(pool);
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void close() {
    arena.close();
    pool.close();
  }

  private static Batch batch(int seed) {
    var random = new Random(seed);
    List<int[]> texts = new ArrayList<>();
    for (int length : new int[] {3, 40, 17, 60}) {
      texts.add(random.ints(length, 3, 250).toArray());
    }
    return Batch.of(texts);
  }

  private float[][] hidden(Transformer model) {
    try (Engine engine = new Engine(model, kernels)) {
      return engine.hidden(batch(7));
    }
  }

  private Calibration calibration() {
    return new Calibration(
        List.of(batch(1), batch(2), batch(3)), kernels, pool, _ -> {}, _ -> {}, Optional.empty());
  }

  /** Scales in the norms and out of the layers again: the same answers. */
  @ParameterizedTest
  @CsvSource({"llama, 3", "gpt2, 2"})
  void answersStay(String architecture, int places) {
    try (Model model = Model.load(GOLDENS.resolve(architecture))) {
      var random = new Random(4);
      List<Block> blocks = new ArrayList<>();
      for (Block block : model.transformer().blocks()) {
        Block scaled = block;
        assertThat(Folding.of(block)).hasSize(places);
        for (int i = 0; i < places; i++) {
          Folding place = Folding.of(scaled).get(i);
          float[] scales = new float[place.readers().getFirst().in()];
          for (int c = 0; c < scales.length; c++) {
            scales[c] = 0.5f + random.nextFloat();
          }
          scaled = place.apply(scaled, scales, arena);
        }
        blocks.add(scaled);
      }
      near(hidden(model.transformer().with(blocks)), hidden(model.transformer()), 1e-4f);
      Pass smooth = new SmoothInputs(0.5, LayerSelection.blocks());
      Transformer smoothed = smooth.apply(model.transformer(), calibration(), arena).model();
      assertThat(smoothed).isNotEqualTo(model.transformer());
      near(hidden(smoothed), hidden(model.transformer()), 1e-4f);
    }
  }

  private static void near(float[][] found, float[][] expected, float off) {
    for (int t = 0; t < expected.length; t++) {
      for (int c = 0; c < expected[t].length; c++) {
        assertThat(found[t][c])
            .isCloseTo(expected[t][c], within(off * (1 + Math.abs(expected[t][c]))));
      }
    }
  }

  /** A few columns carry twenty times what the others do, as in large models. */
  @Test
  void columnsThatCarryMuchAreSpared() {
    try (Model model = Model.load(GOLDENS.resolve("llama"))) {
      Transformer uneven = uneven(model.transformer());
      DType type = DType.of("int4-g32-asym");
      Pass round = new Encode(type, LayerSelection.blocks());
      Pass awq = new Awq(type, LayerSelection.blocks());
      float[][] exact = hidden(uneven);
      double plain = distance(exact, hidden(round.apply(uneven, arena).model()));
      double scaled =
          distance(
              exact,
              hidden(Recipe.of("awq", awq, round).apply(uneven, calibration(), arena).model()));
      assertThat(scaled).isLessThan(0.9 * plain);
      Pass int8 = new Encode(DType.of("int8-channel"), LayerSelection.blocks());
      Pass inputs = new RoundInputs(Input.DYNAMIC_INT8, LayerSelection.blocks());
      Pass smooth = new SmoothInputs(0.5, LayerSelection.blocks());
      double rounded =
          distance(exact, hidden(Recipe.of("int8", int8, inputs).apply(uneven, arena).model()));
      double smoothed =
          distance(
              exact,
              hidden(
                  Recipe.of("smooth", smooth, int8, inputs)
                      .apply(uneven, calibration(), arena)
                      .model()));
      assertThat(smoothed).isLessThan(0.9 * rounded);
    }
  }

  private Transformer uneven(Transformer model) {
    return model.with(model.blocks().stream().map(this::uneven).toList());
  }

  private Block uneven(Block block) {
    return block.map(
        new LayerMap() {
          @Override
          public Norm norm(Norm norm) {
            Norm.RmsNorm rms = (Norm.RmsNorm) norm;
            float[] weight = rms.weight().tensor().toArray();
            for (int i = 0; i < weight.length; i += 21) {
              weight[i] *= 20;
            }
            Tensor made = Tensor.copyOf(arena, weight, weight.length);
            return new Norm.RmsNorm(rms.weight().with(made), rms.shift(), rms.epsilon());
          }
        });
  }

  private static double distance(float[][] a, float[][] b) {
    double sum = 0;
    for (int t = 0; t < a.length; t++) {
      for (int c = 0; c < a[t].length; c++) {
        sum += (a[t][c] - b[t][c]) * (a[t][c] - b[t][c]);
      }
    }
    return Math.sqrt(sum);
  }
}
