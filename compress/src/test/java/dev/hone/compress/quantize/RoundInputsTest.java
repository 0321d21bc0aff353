package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.compress.Compression;
import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.TinyModel;
import dev.hone.measure.Fidelity;
import dev.hone.model.Linear;
import dev.hone.model.format.FormatException;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoundInputsTest {
  @TempDir private Path folder;
  private Path source;

  @BeforeEach
  void make() {
    source = TinyModel.in(folder);
  }

  private Path bf16() throws IOException {
    Path target = folder.resolve("bf16");
    LayerSelection feedForward = LayerSelection.of(LayerKind.FEED_FORWARD);
    Recipe recipe =
        Recipe.of(
            "bf16", new Encode(Plain.BF16, feedForward), RoundInputs.read("bf16", feedForward));
    new Compression(source, "tiny", recipe, target)
        .run(Compression.Texts.NONE, 2, KernelTier.select(Optional.empty()).tier(), _ -> {});
    return target;
  }

  private static Map<String, Input> inputs(Encoder encoder) {
    return encoder.model().transformer().linears().stream()
        .collect(Collectors.toMap(layer -> layer.weight().name(), Linear::input));
  }

  @Test
  void bf16IsKeptWithTheModel() throws IOException {
    List<String> texts = TinyModel.texts(20, 1);
    try (Encoder made = Encoder.load(bf16(), EncoderOptions.defaults());
        Encoder original = Encoder.load(source, EncoderOptions.defaults())) {
      assertThat(inputs(original)).doesNotContainValue(Input.BF16);
      assertThat(inputs(made))
          .allSatisfy(
              (name, input) ->
                  assertThat(input)
                      .isEqualTo(name.contains("attention") ? Input.FLOAT : Input.BF16));
      assertThat(inputs(made)).containsValue(Input.BF16);
      Fidelity fidelity = Fidelity.of(original.embed(texts), made.embed(texts));
      assertThat(fidelity.minCosine()).isBetween(0.999, 1 - 1e-9);
    }
  }

  @Test
  void aLayerThatIsNotThereIsNamed() throws IOException {
    Path target = bf16();
    Path config = target.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replaceFirst("layer\\.0\\.(output\\.dense\\.weight\")", "layer.7.$1"));
    assertThatThrownBy(() -> Encoder.load(target, EncoderOptions.defaults()))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("hone_bf16_inputs")
        .hasMessageContaining("layer.7.output.dense.weight");
  }
}
