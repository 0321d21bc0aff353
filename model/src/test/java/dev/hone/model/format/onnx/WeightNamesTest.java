package dev.hone.model.format.onnx;

import static dev.hone.model.format.onnx.ModelProto.FLOAT;
import static dev.hone.model.format.onnx.ModelProto.counting;
import static dev.hone.model.format.onnx.ModelProto.domain;
import static dev.hone.model.format.onnx.ModelProto.integer;
import static dev.hone.model.format.onnx.ModelProto.number;
import static dev.hone.model.format.onnx.ModelProto.scopes;
import static dev.hone.model.format.onnx.ModelProto.tensor;
import static dev.hone.model.format.onnx.ModelProto.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.format.FormatException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How lost names are found again, on the smallest graphs that show it. */
class WeightNamesTest {
  // [in=2, out=3], counting from 0, and its transpose.
  private static final float[] STORED = {0, 1, 2, 3, 4, 5};
  private static final float[] TRANSPOSED = {0, 3, 1, 4, 2, 5};

  private final Arena arena = Arena.ofConfined();
  private final ModelProto model = new ModelProto();

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void aBiasNamesTheWeightOfItsProduct() {
    model
        .node("MatMul", "MatMul_7", List.of("x", "onnx::MatMul_787"), "y")
        .node("Add", "Add_8", List.of("a.query.bias", "y"), "z")
        .weight("onnx::MatMul_787", 0, 2, 3)
        .weight("a.query.bias", 7, 3)
        .weight("b.LayerNorm.weight", 1, 3);
    Onnx onnx = open();
    assertThat(onnx.names())
        .containsExactly("a.query.bias", "a.query.weight", "b.LayerNorm.weight");
    assertThat(onnx.tensor("a.query.weight").shape()).containsExactly(3, 2);
    assertWeight("a.query.weight", TRANSPOSED);
    assertWeight("a.query.bias", 7, 8, 9);
  }

  @ParameterizedTest
  @ValueSource(strings = {"BiasGelu", "FastGelu"})
  void soDoesABiasThatAnOptimizerFused(String op) {
    model
        .node("MatMul", "", List.of("x", "w"), "y")
        .node(op, "", List.of("y", "a.up.bias"), "z")
        .node("MatMul", "", List.of("z", "v"), "u")
        .node(
            "SkipLayerNormalization",
            "",
            List.of("u", "x", "g.weight", "g.bias", "b.down.bias"),
            "t")
        .weight("w", 0, 2, 3)
        .weight("a.up.bias", 7, 3)
        .weight("v", 0, 3, 2)
        .weight("g.weight", 0, 2)
        .weight("g.bias", 0, 2)
        .weight("b.down.bias", 9, 2);
    assertWeight("a.up.weight", TRANSPOSED);
    assertWeight("b.down.weight", 0, 2, 4, 1, 3, 5);
  }

  @Test
  void gemmStoresEitherOrder() {
    model
        .node("Gemm", "", List.of("x", "182", "a.dense.bias"), "y", integer("transB", 0))
        .node("Gemm", "", List.of("x", "183", "b.dense.bias"), "z", integer("transB", 1))
        .weight("182", 0, 2, 3)
        .weight("183", 0, 3, 2)
        .weight("a.dense.bias", 0, 3)
        .weight("b.dense.bias", 0, 3);
    assertWeight("a.dense.weight", TRANSPOSED);
    assertWeight("b.dense.weight", STORED);
  }

  @Test
  void followsIdentityCastAndTranspose() {
    model
        .node("Identity", "", List.of("w"), "w1")
        .node("Cast", "", List.of("w1"), "w2", integer("to", 10))
        .node("Transpose", "", List.of("w2"), "w3")
        .node("MatMul", "", List.of("x", "w3"), "y")
        .node("Cast", "", List.of("a.dense.bias"), "b1", integer("to", 10))
        .node("Add", "", List.of("y", "b1"), "z")
        .node("Transpose", "", List.of("b.dense.weight"), "v1")
        .node("MatMul", "", List.of("z", "v1"), "t")
        .weight("w", 0, 3, 2)
        .weight("a.dense.bias", 0, 3)
        .weight("b.dense.weight", 0, 2, 3);
    assertWeight("a.dense.weight", STORED);
    assertWeight("b.dense.weight", STORED);
  }

  @Test
  void identityMayCarryTheName() {
    model
        .node("Identity", "", List.of("a.norm.bias"), "b.norm.bias")
        .node("LayerNormalization", "", List.of("x", "b.norm.weight", "b.norm.bias"), "y")
        .weight("a.norm.bias", 5, 2)
        .weight("b.norm.weight", 7, 2);
    assertWeight("a.norm.bias", 5, 6);
    assertWeight("b.norm.bias", 5, 6);
  }

  @Test
  void aConstantIsAWeightToo() {
    model
        .node("Constant", "", List.of(), "c", value(tensor("", FLOAT, counting(0, 6), 2, 3)))
        .node("MatMul", "", List.of("x", "c"), "y")
        .node("Add", "", List.of("y", "a.dense.bias"), "z")
        .weight("a.dense.bias", 0, 3)
        .weight("b.dense.bias", 0, 3);
    assertWeight("a.dense.weight", TRANSPOSED);
  }

  @Test
  void theNodeTellsItsModule() {
    model
        .node("MatMul", "/layers.0/attn/Wo/MatMul", List.of("x", "onnx::MatMul_1"), "y")
        .node(
            "MatMul",
            "node_linear",
            List.of("x", "val_2"),
            "z",
            scopes("['', 'mlp', 'mlp.Wi', 'linear']"))
        .node("Gather", "/embeddings/words/Gather", List.of("onnx::Gather_3", "ids"), "u")
        .node("LayerNormalization", "/norm/LayerNormalization", List.of("z", "4", "5"), "v")
        .weight("onnx::MatMul_1", 0, 2, 3)
        .weight("val_2", 0, 2, 3)
        .weight("onnx::Gather_3", 0, 2, 3)
        .weight("4", 1, 3)
        .weight("5", 2, 3);
    assertWeight("layers.0.attn.Wo.weight", TRANSPOSED);
    assertWeight("mlp.Wi.weight", TRANSPOSED);
    assertWeight("embeddings.words.weight", STORED);
    assertWeight("norm.weight", 1, 2, 3);
    assertWeight("norm.bias", 2, 3, 4);
  }

  @Test
  void aSharedParameterLeavesTheNameToTheModule() {
    for (String layer : List.of("0", "1")) {
      model
          .node("MatMul", "/l." + layer + "/q/MatMul", List.of("x", "w" + layer), "y" + layer)
          .node("Add", "/l." + layer + "/q/Add", List.of("y" + layer, "l.0.q.bias"), "z" + layer)
          .node(
              "LayerNormalization",
              "/l." + layer + "/norm/LayerNormalization",
              List.of("z" + layer, "l.0.norm.weight", "l.0.norm.bias"),
              "n" + layer);
    }
    model
        .weight("w0", 0, 2, 3)
        .weight("w1", 100, 2, 3)
        .weight("l.0.q.bias", 50, 3)
        .weight("l.0.norm.weight", 60, 3)
        .weight("l.0.norm.bias", 70, 3)
        .weight("head.dense.bias", 0, 3);
    assertWeight("l.0.q.weight", TRANSPOSED);
    assertWeight("l.1.q.weight", 100, 103, 101, 104, 102, 105);
    assertWeight("l.1.q.bias", 50, 51, 52);
    assertWeight("l.1.norm.weight", 60, 61, 62);
    assertWeight("l.1.norm.bias", 70, 71, 72);
  }

  @Test
  void aNormMayBeSpelledOut() {
    model
        .node("Mul", "", List.of("x", "17"), "y")
        .node("Add", "", List.of("y", "a.LayerNorm.beta"), "z")
        .node("Mul", "", List.of("b.LayerNorm.gamma", "z"), "u")
        .node("Add", "", List.of("18", "u"), "v")
        .weight("17", 1, 3)
        .weight("a.LayerNorm.beta", 4, 3)
        .weight("b.LayerNorm.gamma", 7, 3)
        .weight("18", 10, 3);
    assertWeight("a.LayerNorm.gamma", 1, 2, 3);
    assertWeight("b.LayerNorm.beta", 10, 11, 12);
  }

  @Test
  void anOptimizersSuffixIsNoName() {
    model
        .node("MatMul", "", List.of("x", "a.dense.weight_transposed"), "y")
        .node("Add", "", List.of("y", "a.dense.bias"), "z")
        .weight("a.dense.weight_transposed", 0, 2, 3)
        .weight("a.dense.bias", 0, 3)
        .weight("b.dense.bias", 0, 3);
    assertWeight("a.dense.weight", TRANSPOSED);
  }

  @Test
  void dropsTheWrapperOfTheExport() {
    model
        .node("Relu", "", List.of("x"), "y")
        .weight("model.bert.encoder.weight", 0, 2)
        .weight("model.bert.encoder.bias", 0, 2);
    assertThat(open().names()).containsExactly("encoder.bias", "encoder.weight");
    model.weight("model.classifier.weight", 0, 2);
    assertThat(open().names())
        .containsExactly("bert.encoder.bias", "bert.encoder.weight", "classifier.weight");
    model.weight("modern.x.weight", 0, 2);
    assertThat(open().names()).contains("model.bert.encoder.bias", "modern.x.weight");
  }

  @ParameterizedTest
  @ValueSource(strings = {"MatMul", "Gemm", "Gather"})
  void namesAWeightThatCannotBeTraced(String op) {
    List<String> inputs = op.equals("Gather") ? List.of("val_9", "x") : List.of("x", "val_9");
    model.node(op, "node_17", inputs, "y").weight("val_9", 0, 2, 3);
    assertRefused("tensor val_9 [2, 3], used by node " + op + " node_17: its name is lost");
  }

  @Test
  void namesABiasThatCannotBeTraced() {
    model.node("Add", "Add_3", List.of("x", "12"), "y").weight("12", 0, 3);
    assertRefused("tensor 12 [3], used by node Add Add_3: its name is lost");
  }

  @Test
  void refusesTwoWeightsOfOneName() {
    model
        .node("MatMul", "", List.of("x", "1"), "y")
        .node("Add", "", List.of("y", "a.q.bias"), "z")
        .node("MatMul", "", List.of("x", "2"), "u")
        .node("Add", "", List.of("u", "a.q.bias"), "v")
        .weight("1", 0, 2, 3)
        .weight("2", 9, 2, 3)
        .weight("a.q.bias", 0, 3);
    assertRefused("tensors 2 [2, 3] and 1 [2, 3] both seem to be a.q.weight");
  }

  @ParameterizedTest
  @ValueSource(strings = {"DequantizeLinear", "MatMulInteger", "MatMulNBits"})
  void refusesQuantizedModels(String op) {
    model.node(op, "q", List.of("a.weight", "s"), "y").weight("a.weight", 0, 2, 3);
    assertRefused("node " + op + " q: the model is quantized; open its float export");
  }

  @Test
  void refusesWhatAnOptimizerFusedForGood() {
    model.node("Attention", "Attention_0", List.of("x", "qkv", "b"), "y", domain("com.microsoft"));
    assertRefused("node Attention Attention_0: an optimizer has fused query, key and value");
  }

  @Test
  void refusesScaledProducts() {
    model
        .node("Gemm", "g", List.of("x", "a.dense.weight"), "y", number("alpha", 0.5f))
        .weight("a.dense.weight", 0, 2, 3);
    assertRefused("node Gemm g: alpha and beta must be 1");
  }

  @Test
  void survivesGraphsThatTurnInCircles() {
    model
        .node("Identity", "", List.of("b"), "a")
        .node("Identity", "", List.of("a"), "b")
        .node("MatMul", "", List.of("c", "a"), "c")
        .node("Add", "", List.of("c", "c"), "c")
        .weight("e.dense.weight", 0, 2, 3);
    assertThat(open().names()).containsExactly("dense.weight");
  }

  private Onnx open() {
    return Onnx.of("test.onnx", MemorySegment.ofArray(model.bytes()), Path.of("."), arena);
  }

  private void assertWeight(String name, float... numbers) {
    assertThat(open().tensor(name).toArray()).as(name).containsExactly(numbers);
  }

  private void assertRefused(String message) {
    assertThatThrownBy(this::open)
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll("test.onnx", message);
  }
}
