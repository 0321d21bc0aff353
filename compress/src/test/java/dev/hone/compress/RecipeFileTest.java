package dev.hone.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.compress.prune.Amount;
import dev.hone.compress.prune.Criterion;
import dev.hone.compress.prune.Importance;
import dev.hone.compress.prune.Prune;
import dev.hone.compress.prune.Removal;
import dev.hone.compress.prune.Remove;
import dev.hone.compress.prune.RemoveLayers;
import dev.hone.compress.prune.Sparsity;
import dev.hone.compress.prune.Sparsity.Scope;
import dev.hone.compress.quantize.Awq;
import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.Observer;
import dev.hone.compress.quantize.RoundInputs;
import dev.hone.compress.quantize.Rounding;
import dev.hone.compress.quantize.SmoothInputs;
import dev.hone.compress.quantize.StaticInputs;
import dev.hone.model.Role;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.Input;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecipeFileTest {

  @Test
  void readsPassesInOrder() {
    Recipe recipe =
        RecipeFile.parse(
            "small.yaml",
            """
            name: small
            passes:
              - encode: int4-g32-asym
                names: ["encoder.layer.*"]
                except: ["*.layer.0.*"]
              - encode: int8-channel
                kinds: [embedding]
            """);
    assertThat(recipe)
        .isEqualTo(
            Recipe.of(
                "small",
                new Encode(
                    new Affine(4, 32, false),
                    new LayerSelection(
                        Set.of(LayerKind.ATTENTION, LayerKind.FEED_FORWARD),
                        List.of("encoder.layer.*"),
                        List.of("*.layer.0.*"))),
                new Encode(new Affine(8, 0, true), LayerSelection.of(LayerKind.EMBEDDING))));
  }

  @Test
  void writesWhatItReads() {
    Recipe recipe =
        Recipe.of(
            "both",
            new Encode(
                DType.of("int4-g64"), LayerSelection.blocks().named(List.of("*.0.*", "*.1.*"))),
            new Encode(DType.of("bf16"), LayerSelection.of(LayerKind.EMBEDDING, LayerKind.HEAD)),
            new Encode(
                DType.of("q4_1"),
                new Rounding(Rounding.Method.GPTQ, 0.05, true),
                LayerSelection.blocks()),
            new Awq(DType.of("int4-g64"), LayerSelection.blocks()),
            new RemoveLayers(Amount.of("25%"), RemoveLayers.Order.ANSWERS, LayerSelection.blocks()),
            new Prune(Sparsity.of("50%", Scope.GLOBAL), Criterion.WANDA, LayerSelection.blocks()),
            new Prune(
                Sparsity.of("2:4", Scope.LAYER),
                Criterion.SPARSEGPT,
                0.05,
                LayerSelection.blocks()),
            new Prune(
                Sparsity.of("below:0.01", Scope.LAYER),
                Criterion.MAGNITUDE,
                LayerSelection.of(LayerKind.HEAD)),
            new Remove(Removal.of("30%")),
            new Remove(
                Removal.of("heads=25% ffn=3"),
                Importance.NORM,
                false,
                0.5,
                LayerSelection.blocks()),
            new SmoothInputs(0.5, LayerSelection.blocks()),
            new RoundInputs(Input.DYNAMIC_INT8, LayerSelection.blocks()),
            new StaticInputs(LayerSelection.blocks().named(List.of("*.output.*"))),
            new StaticInputs(
                new Observer(Observer.Method.PERCENTILE, 99.9),
                false,
                true,
                LayerSelection.blocks()));
    assertThat(RecipeFile.parse("r.json", RecipeFile.json(recipe).toString())).isEqualTo(recipe);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "name: a|passes must be a list of at least one pass, as in {name: small, passes: [{encode:"
            + " int8-channel}]}",
        "passes: []|name must be a text, as in {name: small, passes: [{encode: int8-channel}]}",
        "{name: a, passes: [{encode: f16, encode: bf16}]}|:1: the same field twice: 'encode'",
        "{name: a, name: b, passes: [{encode: f16}]}|the same field twice: 'name'",
        "{name: a, passes: [{input: static-int8, encode: int8-channel}]}|passes[0] names the passes"
            + " encode and input: each pass is a list entry of its own",
        "{name: a, passes: [{}]}|names no pass; known are [awq, encode, input, join-heads, mix,"
            + " prune, remove, remove-layers, smooth]",
        "{name: a, passes: [{encode: int5}]}|unknown type: int5",
        "{name: a, passes: [{encode: i8}]}|i8 is no type of weights",
        "{name: a, passes: [{input: int8}]}|unknown input int8: one of float, dynamic-int8,"
            + " dynamic-int8-symmetric, block-int8, bf16, static-int8",
        "{name: a, passes: [{input: dynamic-int8, observer: kl}]}|observer belongs to static-int8",
        "{name: a, passes: [{input: static-int8, observer: best}]}|unknown observer best",
        "{name: a, passes: [{input: static-int8, percentile: 99}]}|belongs to the observer"
            + " percentile, not to mse",
        "{name: a, passes: [{input: static-int8, kinds: [head]}]}|is for layers of blocks",
        "{name: a, passes: [{mix: five, method: gptq}]}|five is no number of bits a weight",
        "{name: a, passes: [{mix: 5.5}]}|mix looks at texts",
        "{name: a, passes: [{encode: f16, kind: [head]}]}|unknown field kind",
        "{name: a, passes: [{encode: f16, kinds: [heads]}]}|unknown kind heads",
        "{name: a, passes: [{encode: f16, kinds: head}]}|kinds must be a list",
        "{name: a, passes: [{encode: f16, method: gptq}]}|f16 is not calibrated",
        "{name: a, passes: [{encode: int4-g32, method: best}]}|unknown method best",
        "{name: a, passes: [{encode: int4-g32, method: gptq, damping: 2}]}|damping=2.0: from 0 to"
            + " 1",
        "{name: a, passes: [{encode: int4-g32, damping: 0.1}]}|belong to gptq, not to rtn",
        "{name: a, passes: [{input: float, method: gptq}]}|unknown field method",
        "{name: a, passes: [{prune: half}]}|half' is no amount",
        "{name: a, passes: [{prune: 150%}]}|a share of 1.5",
        "{name: a, passes: [{prune: '4:2'}]}|4:2: kept weights must be",
        "{name: a, passes: [{prune: 50%, by: luck}]}|unknown criterion luck",
        "{name: a, passes: [{prune: 50%, scope: all}]}|unknown scope all",
        "{name: a, passes: [{prune: '2:4', scope: row}]}|a pattern is its own scope",
        "{name: a, passes: [{prune: 50%, damping: 0.1}]}|damping belongs to sparsegpt",
        "{name: a, passes: [{prune: 50%, by: sparsegpt, scope: global}]}|takes a share of every",
        "{name: a, passes: [{remove: 3}]}|is no share of all weights",
        "{name: a, passes: [{remove: rows=3}]}|is neither heads=AMOUNT",
        "{name: a, passes: [{remove: 30%, by: wanda}]}|unknown importance wanda",
        "{name: a, passes: [{remove: 30%, damping: 0}]}|damping=0.0: above 0",
        "{name: a, pases: []}|unknown field pases",
        "{|not YAML",
      })
  void refusesWhatItDoesNotUnderstand(String yaml, String message) {
    assertThatThrownBy(() -> RecipeFile.parse("r.yaml", yaml))
        .isInstanceOf(RecipeException.class)
        .hasMessageStartingWith("r.yaml")
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource({
    "encoder.layer.1.output.dense.weight, true",
    "encoder.layer.0.output.dense.weight, false",
    "pooler.dense.weight, false",
  })
  void choosesByPattern(String name, boolean chosen) {
    var selection =
        new LayerSelection(
            Set.of(LayerKind.FEED_FORWARD), List.of("encoder.layer.*"), List.of("*.layer.0.*"));
    assertThat(selection.chooses(Role.FEED_FORWARD_DOWN, name)).isEqualTo(chosen);
    assertThat(selection.chooses(Role.QUERY, name)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "f32",
    "f16",
    "bf16",
    "int8-channel",
    "int8-g128-asym",
    "int4-g32",
    "int4-g64-asym",
    "q8_0",
    "q4_0"
  })
  void labelsNameTypes(String label) {
    assertThat(DType.of(label).label()).isEqualTo(label);
  }
}
