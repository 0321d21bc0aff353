package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OrtException;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Batch;
import dev.hone.model.Block;
import dev.hone.model.Embedding;
import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What Hone writes as ONNX, ONNX Runtime answers as Hone does, and Hone reads back as it was. */
class OnnxExportTest {
  private static final double TOLERANCE = 1e-4;
  private static final double ROUNDING = 1e-2;

  private static final ObjectNode PROVENANCE =
      JsonNodeFactory.instance.objectNode().put("by", "a test");

  @TempDir Path scratch;

  @ParameterizedTest
  @ValueSource(strings = {"embed-mean", "classify-one-of-three", "tokens"})
  void tinyModels(String name) throws IOException, OrtException {
    check(TinyModels.pipeline(name, scratch).folder(), TOLERANCE);
  }

  @Tag("shared")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "embed-cls",
        "embed-dense",
        "embed-dense-old-form",
        "embed-last-token",
        "embed-max",
        "embed-mean-sqrt",
        "embed-truncate-32",
        "embed-weighted-mean",
        "rerank",
        "zero-shot"
      })
  void pipelines(String name) throws IOException, OrtException {
    check(shared("goldens/pipelines/" + name), TOLERANCE);
  }

  @Tag("shared")
  @ParameterizedTest
  @ValueSource(strings = {"bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "modernbert"})
  void architectures(String name) throws IOException, OrtException {
    check(shared("goldens/" + name), TOLERANCE);
  }

  @Tag("shared")
  @ParameterizedTest
  @ValueSource(strings = {"bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "modernbert"})
  void hiddenStates(String name) throws IOException, OrtException {
    try (Model model = Model.load(shared("goldens/" + name))) {
      check(model, model.transformer().with(new Head.HiddenStates()), TOLERANCE);
    }
  }

  /** The grids of static inputs are as wide as what the layers read in the batch. */
  @Tag("shared")
  @ParameterizedTest
  @ValueSource(strings = {"float", "dynamic-int8", "static-int8"})
  void classifierOfSentences(String input) throws IOException, OrtException {
    try (Model model = Model.load(shared("assets/models/minilm-sst2"));
        Arena arena = Arena.ofShared()) {
      Transformer original = model.transformer();
      Map<String, StaticInt8> grids = ranges(original, batch(original));
      Transformer quantized =
          quantized(
              original,
              "int8-channel",
              "int8-channel",
              layer ->
                  input.equals(StaticInt8.LABEL)
                      ? grids.getOrDefault(layer.name(), new StaticInt8(1 / 16f, 128))
                      : Input.of(input),
              arena);
      boolean rounded = !input.equals("float");
      check(model, quantized, rounded ? deepRounding() : TOLERANCE);
      if (rounded && !saturates(quantized)) {
        checkRounded(quantized);
      }
    }
  }

  /** From the least number that a block's layer reads to the largest. */
  private static Map<String, StaticInt8> ranges(Transformer model, Batch batch) {
    Map<String, StaticInt8> grids = new HashMap<>();
    try (var pool = new ComputePool(1)) {
      var kernels = KernelTier.SCALAR.create(pool);
      Tensor x;
      try (var embeddings = BlockEngine.embeddings(model, kernels);
          Arena arena = Arena.ofConfined()) {
        x = Layouts.decode(embeddings.embeddings(batch), arena);
        for (Block block : model.blocks()) {
          try (var engine = BlockEngine.of(model, block, kernels)) {
            Tensor next =
                engine.run(x, batch, (layer, read) -> grids.put(layer.name(), grid(read)));
            x = Layouts.decode(next, arena);
          }
        }
      }
    }
    return grids;
  }

  private static StaticInt8 grid(Tensor read) {
    float least = 0;
    float most = 0;
    for (float number : read.toArray()) {
      least = Math.min(least, number);
      most = Math.max(most, number);
    }
    return StaticInt8.of(least, most);
  }

  @Test
  void miniLm() throws IOException, OrtException {
    try (Encoder encoder = Encoder.load("minilm")) {
      check(encoder.model(), encoder.model().transformer(), TOLERANCE);
    }
  }

  /**
   * Weights alone: in ONNX Runtime they are the same numbers.
   *
   * @param matrices type of the matrices
   * @param tables type of the embeddings
   */
  @ParameterizedTest
  @CsvSource({
    "int8-channel, int8-channel",
    "int8-channel-asym, int8-channel-asym",
    "int8-g48-asym, int8-g32-asym",
    "int4-channel, int4-channel",
    "int4-g32, int4-g32",
    "int4-g32-asym, int4-g32-asym",
  })
  void quantizedWeights(String matrices, String tables) throws IOException, OrtException {
    checkQuantized("classify-one-of-three", matrices, tables, _ -> Input.FLOAT, TOLERANCE);
  }

  /** Inputs are rounded too: a sum in another order may step to the next integer. */
  @ParameterizedTest
  @ValueSource(strings = {"int8-channel", "int8-channel-asym"})
  void inputsRoundedByToken(String matrices) throws IOException, OrtException {
    checkQuantized("embed-mean", matrices, "int8-channel", _ -> Input.DYNAMIC_INT8, ROUNDING);
  }

  /** The largest number of a token lies between two integers: either may be taken. */
  @ParameterizedTest
  @ValueSource(strings = {"int8-channel", "int4-g32"})
  void inputsRoundedByTokenSymmetrically(String matrices) throws IOException, OrtException {
    checkQuantized(
        "embed-mean", matrices, "int8-channel", _ -> Input.DYNAMIC_INT8_SYMMETRIC, 2 * ROUNDING);
  }

  @ParameterizedTest
  @ValueSource(strings = {"int8-channel", "int8-channel-asym"})
  void inputsRoundedByLayer(String matrices) throws IOException, OrtException {
    checkQuantized("tokens", matrices, "int8-channel", new Grids()::of, ROUNDING);
  }

  @Test
  void inputsRoundedByBlockAreRefused() {
    assertThatThrownBy(
            () ->
                checkQuantized(
                    "embed-mean", "int8-channel", "int8-channel", _ -> Input.BLOCK_INT8, TOLERANCE))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(
            "not of block-int8: leave that out, or quantize the model with --activations");
  }

  /**
   * A grid of its own for each layer, too narrow for some numbers; of every other layer, for
   * columns with factors.
   */
  private static final class Grids {
    private int layers;

    Input of(Linear layer) {
      layers++;
      StaticInt8 grid = StaticInt8.of(-2 - 0.1f * (layers % 7), 1.5f + 0.1f * (layers % 5));
      float[] factors = new float[layers % 2 * layer.in()];
      for (int i = 0; i < factors.length; i++) {
        factors[i] = 1 - i % 5 / 8f;
      }
      return grid.with(ColumnFactors.of(factors));
    }
  }

  private void checkQuantized(
      String name, String matrices, String tables, Function<Linear, Input> input, double tolerance)
      throws IOException, OrtException {
    try (Model model = Model.load(TinyModels.pipeline(name, scratch).folder());
        Arena arena = Arena.ofShared()) {
      Transformer quantized = quantized(model.transformer(), matrices, tables, input, arena);
      check(model, quantized, tolerance);
      if (tolerance == ROUNDING && !saturates(quantized)) {
        checkRounded(quantized);
      }
    }
  }

  /**
   * Of six layers; products of floats in its unoptimized graph step to other integers more often.
   */
  private static double deepRounding() {
    return OnnxRuntime.multipliesBytesExactly() ? ROUNDING : 2 * ROUNDING;
  }

  /** Whether ONNX Runtime multiplies bytes whose sums end at 16 bits. */
  private static boolean saturates(Transformer model) {
    return !OnnxRuntime.multipliesBytesExactly()
        && inputs(model).stream().anyMatch(i -> i instanceof Input.Kind && i.ofRows());
  }

  /** What was exported answers as rounded inputs do, not as those that are read as they come. */
  private void checkRounded(Transformer quantized) throws OrtException {
    Batch batch = batch(quantized);
    Transformer plain = quantized.map(inputs(layer -> layer.with(Input.FLOAT)));
    try (var theirs = new OnnxRuntime(scratch.resolve("exported/model.onnx"))) {
      List<float[]> answers = theirs.run(output(quantized), batch);
      assertThat(distance(answers, answers(quantized, batch)))
          .isLessThan(distance(answers, answers(plain, batch)) / 2);
    }
  }

  private static double distance(List<float[]> a, List<float[]> b) {
    double sum = 0;
    for (int i = 0; i < a.size(); i++) {
      for (int j = 0; j < a.get(i).length; j++) {
        sum += Math.pow(a.get(i)[j] - b.get(i)[j], 2);
      }
    }
    return Math.sqrt(sum);
  }

  private static LayerMap inputs(UnaryOperator<Linear> change) {
    return new LayerMap() {
      @Override
      public Linear linear(Role role, Linear layer) {
        return change.apply(layer);
      }
    };
  }

  private static Transformer quantized(
      Transformer model,
      String matrices,
      String tables,
      Function<Linear, Input> input,
      Arena arena) {
    return model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            return layer.with(encoded(layer.weight(), matrices)).with(input.apply(layer));
          }

          @Override
          public Embedding embedding(Role role, Embedding table) {
            return table.with(encoded(table.weight(), tables));
          }

          private Tensor encoded(Weight weight, String type) {
            return Layouts.encode(weight.tensor(), DType.of(type), arena);
          }
        });
  }

  private void check(Path folder, double tolerance) throws IOException, OrtException {
    try (Model model = Model.load(folder)) {
      check(model, model.transformer(), tolerance);
    }
  }

  private void check(Model source, Transformer model, double tolerance)
      throws IOException, OrtException {
    Path folder = scratch.resolve("exported");
    ModelWriter.writeOnnx(source, model, PROVENANCE, folder);
    Batch batch = batch(model);
    List<float[]> expected = answers(model, batch);
    try (var theirs = new OnnxRuntime(folder.resolve("model.onnx"))) {
      boolean segments = model.embeddings().tokenType().filter(t -> t.entries() > 1).isPresent();
      assertThat(theirs.inputs().contains("token_type_ids")).isEqualTo(segments);
      if (!saturates(model)) {
        assertClose(theirs.run(output(model), batch), expected, tolerance);
      }
      if (theirs.outputs().size() > 1 && !saturates(model)) {
        Transformer body = model.with(new Head.HiddenStates());
        assertClose(theirs.run(output(body), batch), answers(body, batch), tolerance);
      }
    }
    if (model.head().equals(source.transformer().head())) { // another head is not the config's
      try (Model back = Model.load(folder)) {
        checkSame(model, back.transformer());
        assertThat(inputs(back.transformer())).isEqualTo(inputs(model));
      }
    }
  }

  /** Four sequences of unequal lengths, one of them of two segments where the model knows any. */
  private static Batch batch(Transformer model) {
    var random = new Random(7);
    List<int[]> ids = new ArrayList<>();
    List<int[]> types = new ArrayList<>();
    int segments = model.embeddings().tokenType().map(t -> t.entries()).orElse(1);
    for (int length : new int[] {5, 1, 40, 17}) {
      int entries = model.embeddings().word().entries();
      ids.add(random.ints(length, 0, entries).toArray());
      int[] type = new int[length];
      java.util.Arrays.fill(type, length / 2, length, segments > 1 && length == 17 ? 1 : 0);
      types.add(type);
    }
    return Batch.of(ids, types);
  }

  private static List<float[]> answers(Transformer model, Batch batch) {
    try (var pool = new ComputePool(1);
        var engine = new Engine(model, KernelTier.SCALAR.create(pool))) {
      return List.of(engine.run(batch));
    }
  }

  private static String output(Transformer model) {
    return switch (model.head()) {
      case Head.HiddenStates _ -> "last_hidden_state";
      case Head.SequenceLabels _, Head.TokenLabels _ -> "logits";
      case Head.SentenceEmbedding _ -> "sentence_embedding";
      case Head.NextToken _ -> throw new AssertionError("no encoder");
    };
  }

  /** Relative to the largest number. */
  private static void assertClose(List<float[]> actual, List<float[]> expected, double tolerance) {
    assertThat(actual).hasSameSizeAs(expected);
    double largest = 0;
    double furthest = 0;
    for (int i = 0; i < actual.size(); i++) {
      assertThat(actual.get(i)).hasSameSizeAs(expected.get(i));
      for (int j = 0; j < actual.get(i).length; j++) {
        largest = Math.max(largest, Math.abs(expected.get(i)[j]));
        furthest = Math.max(furthest, Math.abs(actual.get(i)[j] - expected.get(i)[j]));
        assertThat(actual.get(i)[j]).isFinite();
      }
    }
    assertThat(furthest / largest).isLessThan(tolerance);
  }

  /** Every weight the model runs with, under its name. */
  private static void checkSame(Transformer model, Transformer back) {
    List<Weight> weights = model.weights();
    assertThat(back.weights()).hasSameSizeAs(weights);
    try (Arena arena = Arena.ofConfined()) {
      for (int i = 0; i < weights.size(); i++) {
        Weight read = back.weights().get(i);
        assertThat(weights.get(i).name()).endsWith(read.name());
        assertThat(floats(read.tensor(), arena))
            .as(read.name())
            .isEqualTo(floats(weights.get(i).tensor(), arena));
        if (weights.get(i).tensor().dtype() instanceof Affine type) {
          assertThat(read.tensor().dtype()).isEqualTo(type);
        }
      }
    }
  }

  private static List<Input> inputs(Transformer model) {
    List<Input> inputs = new ArrayList<>();
    model.map(
        inputs(
            layer -> {
              inputs.add(layer.input());
              return layer;
            }));
    return inputs;
  }

  private static float[] floats(Tensor tensor, Arena arena) {
    return Layouts.decode(tensor, arena).toArray();
  }

  private static Path shared(String path) {
    return Path.of(System.getProperty("hone.shared"), path);
  }
}
