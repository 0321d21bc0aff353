package dev.hone.compress;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.compress.calibrate.BlockWalk;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.Gram;
import dev.hone.compress.calibrate.Journal;
import dev.hone.model.Batch;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A tiny Llama, and what llm-compressor and torch made of it on the same calibration tokens. For
 * tests that are tagged shared.
 */
public final class CalibratedGoldens implements AutoCloseable {
  private static final Path FOLDER = Path.of(System.getProperty("hone.shared"), "goldens");
  private static final int TEXTS = 32;
  private static final int TOKENS = 48;

  private final Arena arena = Arena.ofShared();
  private final ComputePool pool = new ComputePool(2);
  private final Model model = Model.load(FOLDER.resolve("compressed-tensors/llama/original"));

  public Transformer original() {
    return model.transformer();
  }

  /** What a pass makes of the original. */
  public Transformer after(Pass pass) {
    return pass.apply(original(), calibration(), arena).model();
  }

  /** A golden's weights by their names. */
  public Function<String, Tensor> weights(String golden) {
    return Safetensors.open(FOLDER.resolve("calibrated/" + golden + ".safetensors"), arena)::tensor;
  }

  /** The sum of a pass's layer errors, relative to a golden's. */
  public double errorBeside(String golden, Pass pass) throws IOException {
    Map<String, Gram> grams = grams();
    JsonNode errors =
        new JsonMapper()
            .readTree(FOLDER.resolve("calibrated/" + golden + ".json").toFile())
            .get("outputMeanSquaredError");
    double expected = errors.valueStream().mapToDouble(JsonNode::asDouble).sum();
    // The measure itself: it finds what the golden's weights are said to reach.
    assertThat(error(grams, weights(golden)) / expected).isBetween(0.9999, 1.0001);
    Map<String, Tensor> ours =
        after(pass).weights().stream().collect(Collectors.toMap(Weight::name, Weight::tensor));
    return error(grams, ours::get) / expected;
  }

  private Calibration calibration() {
    int[] ids =
        Safetensors.open(FOLDER.resolve("calibrated/calibration.safetensors"), arena)
            .tensor("ids")
            .data()
            .toArray(ValueLayout.JAVA_INT_UNALIGNED);
    List<int[]> texts =
        IntStream.range(0, TEXTS)
            .mapToObj(t -> Arrays.copyOfRange(ids, t * TOKENS, (t + 1) * TOKENS))
            .toList();
    return new Calibration(
        List.of(Batch.of(texts.subList(0, 20)), Batch.of(texts.subList(20, TEXTS))),
        KernelTier.select(Optional.empty()).tier().create(pool),
        pool,
        _ -> {},
        _ -> {},
        Optional.empty());
  }

  /** What the layers of the original read, by the names of their weights. */
  private Map<String, Gram> grams() {
    Map<String, Gram> grams = new TreeMap<>();
    new BlockWalk(calibration(), _ -> true, Gram.Extent.ALL)
        .run(
            original(),
            Journal.NONE,
            (block, inputs, _) ->
                block.map(
                    new LayerMap() {
                      @Override
                      public Linear linear(Role role, Linear layer) {
                        grams.put(layer.weight().name(), inputs.of(layer).orElseThrow());
                        return layer;
                      }
                    }));
    assertThat(grams.values().stream().map(Gram::tokens).distinct().toList())
        .isEqualTo(new ArrayList<>(List.of((long) TEXTS * TOKENS)));
    return grams;
  }

  /** The layers' mean squared errors, summed. */
  private double error(Map<String, Gram> grams, Function<String, Tensor> changed) {
    return original().weights().stream()
        .filter(w -> grams.containsKey(w.name()))
        .mapToDouble(w -> error(w.tensor(), changed.apply(w.name()), grams.get(w.name())))
        .sum();
  }

  private static double error(Tensor before, Tensor after, Gram gram) {
    int n = gram.size();
    double[] h = gram.matrix();
    float[] a = floats(before);
    float[] b = floats(after);
    double sum = 0;
    for (int row = 0; row < a.length; row += n) {
      for (int i = 0; i < n; i++) {
        double product = 0;
        for (int j = 0; j < n; j++) {
          product += h[i * n + j] * (b[row + j] - a[row + j]);
        }
        sum += product * (b[row + i] - a[row + i]);
      }
    }
    int rows = a.length / n;
    return sum / rows / gram.tokens();
  }

  private static float[] floats(Tensor matrix) {
    try (Arena own = Arena.ofConfined()) {
      return Layouts.decode(matrix, own).toArray();
    }
  }

  @Override
  public void close() {
    model.close();
    pool.close();
    arena.close();
  }
}
