package dev.hone.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Recipes are judged before any pass runs: nothing is made and nothing is written. */
class ForeseenTest {
  private static final String FIRST = "encoder.layer.0.attention.self.query.weight";

  @TempDir private Path folder;

  private void compress(Path source, String passes, Path target) throws IOException {
    Recipe recipe = RecipeFile.parse("r.yaml", "{name: r, passes: [" + passes + "]}");
    var texts = new Compression.Texts(String.join("\n", TinyModel.texts(60, 1)), 20, 16);
    new Compression(source, "tiny", recipe, target)
        .run(
            texts,
            2,
            KernelTier.SCALAR,
            progress -> {
              throw new IllegalStateException("begun: " + progress.what());
            });
  }

  private void refused(Path source, String passes, Path target, String message) throws IOException {
    List<String> before = names();
    assertThatThrownBy(() -> compress(source, passes, target))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining(message.replace("FIRST", FIRST));
    assertThat(names()).isEqualTo(before);
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.map(Path::toString).sorted().toList();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{encode: q4_0, method: gptq}|passes[0] encode: FIRST is q4_0: compressed-tensors has no"
            + " such blocks",
        "{encode: q8_0}|passes[0] encode: FIRST is q8_0",
        "{encode: q4_k}|passes[0] encode: FIRST is q5_0",
        "{input: static-int8}|passes[0] input: FIRST is f32, but the layer's input is rounded to 8"
            + " bits",
        "{encode: f16}, {input: dynamic-int8}|passes[1] input: FIRST is f16, but the layer's input",
        "{encode: int8-channel}, {input: static-int8}|passes[1] input: FIRST is int8-channel"
            + " already: static-int8 balances columns before weights are quantized; put it before"
            + " encode",
        "{encode: int4-g32, method: gptq}, {prune: 50%}|passes[1] prune: FIRST is int4-g32 already:"
            + " prune before weights are quantized",
        "{encode: int4-g32}, {remove: heads=50%}|passes[1] remove: FIRST is int4-g32 already",
        "{encode: int4-g32}, {join-heads: 1}|passes[1] join-heads:"
            + " encoder.layer.0.attention.self.key.weight is int4-g32 already",
        "{encode: int4-g32}, {awq: int4-g32}|passes[1] awq: encoder.layer.0.attention.output.dense"
            + ".weight is int4-g32 already: awq scales weights before they are quantized",
        "{encode: int4-g32}, {smooth: 0.5}|passes[1] smooth: encoder.layer.0",
        "{input: static-int8}, {awq: int4-g32}|reads static-int8, whose grid fits columns as they"
            + " are: put awq before it",
        "{input: static-int8}, {encode: int4-g32}|passes[1] encode: FIRST reads static-int8, which"
            + " int4-g32 is not multiplied with: encode it as int8-channel",
        "{input: static-int8}, {encode: int8-g32}|which int8-g32 is not multiplied with",
        "{input: static-int8}, {input: static-int8}|passes[1] input: FIRST reads static-int8"
            + " already",
        "{input: static-int8}, {input: float}|passes[1] input: FIRST reads static-int8 already",
        "{input: dynamic-int8}, {encode: f16}|passes[1] encode: FIRST reads dynamic-int8, which f16"
            + " is not multiplied with",
        "{input: dynamic-int8, kinds: [embedding]}|passes[0] input: embeddings read no input",
        "{prune: 10%}, {prune: '2:7'}|passes[1] prune: FIRST has rows of 64 columns",
        "{prune: 10%}, {remove: heads=8}|passes[1] remove: 8 of 4 heads",
        "{prune: 10%}, {remove-layers: 2}|passes[1] remove-layers: 2 of 2 are to be taken away",
        "{prune: 10%}, {join-heads: 7}|passes[1] join-heads: encoder.layer.0",
        "{prune: 10%}, {encode: f16, names: [nothing]}|passes[1] encode: names: no layer",
        "{mix: 5.5, method: gptq}|passes[0] mix: it is for decoders",
      })
  void isJudgedBeforeItRuns(String passes, String message) throws IOException {
    Path source = TinyModel.in(folder);
    refused(source, passes, folder.resolve("new/made"), message);
  }

  @Test
  void aGgufFileHoldsOtherTypes() throws IOException {
    Path source = TinyModel.gguf(folder.resolve("tiny.gguf"));
    Path target = folder.resolve("made.gguf");
    String first = "model.layers.0.self_attn.q_proj.weight ";
    refused(source, "{encode: int4-g32}", target, "passes[0] encode: " + first + "is int4-g32");
    refused(
        source,
        "{encode: int8-channel}, {input: dynamic-int8}, {encode: q8_0}",
        target,
        "passes[2] encode: " + first + "reads dynamic-int8, which q8_0 is not multiplied with");
    refused(
        source,
        "{input: dynamic-int8}",
        target,
        "passes[0] input: " + first + "reads its input as dynamic-int8");
    refused(
        source,
        "{remove: ffn=25%}",
        target,
        "passes[0] remove: a GGUF file with layers of other widths");
    Path decoder = TinyModel.decoder(folder, "llama");
    refused(
        decoder,
        "{mix: 5.5, method: gptq}",
        folder.resolve("made"),
        "passes[0] mix: " + first + "is q8_0: compressed-tensors has no such blocks");
  }

  @Test
  void needsTextsBeforeTheFirstPassRuns() {
    Path source = TinyModel.in(folder);
    Recipe recipe =
        RecipeFile.parse(
            "r.yaml", "{name: r, passes: [{prune: 50%}, {encode: int4-g32, method: gptq}]}");
    assertThatThrownBy(
            () ->
                new Compression(source, "tiny", recipe, folder.resolve("made"))
                    .run(Compression.Texts.NONE, 2, KernelTier.SCALAR, _ -> {}))
        .isInstanceOf(RecipeException.class)
        .hasMessageStartingWith("passes[1] encode: gptq is calibrated: it needs texts");
  }

  /** What is asked of layers that went is not asked. */
  @Test
  void whatFollowsIsJudgedByWhatIsLeft() throws IOException {
    Path source = TinyModel.in(folder);
    Recipe recipe =
        RecipeFile.parse(
            "r.yaml",
            "{name: r, passes: [{remove: heads=50% ffn=25%, by: norm, reconstruct: false},"
                + " {encode: int8-channel}, {input: dynamic-int8}]}");
    Path target = folder.resolve("made");
    new Compression(source, "tiny", recipe, target)
        .run(Compression.Texts.NONE, 2, KernelTier.SCALAR, _ -> {});
    assertThat(target.resolve("model.safetensors")).exists();
  }
}
