package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.compress.Compression;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.RecipeException;
import dev.hone.compress.TinyModel;
import dev.hone.measure.Fidelity;
import dev.hone.model.Block;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.DType;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a folder to a folder, as a user does it. */
class StaticInputsTest {
  private static final DType INT8 = DType.of("int8-channel");

  @TempDir private Path folder;

  private Path compress(Path source, String name, StaticInputs inputs) throws IOException {
    Recipe recipe = Recipe.of(name, inputs, new Encode(INT8, LayerSelection.blocks()));
    Path target = folder.resolve(name);
    var texts = new Compression.Texts(String.join("\n", TinyModel.texts(200, 1)), 100, 64);
    new Compression(source, "tiny", recipe, target)
        .run(texts, 2, KernelTier.select(Optional.empty()).tier(), _ -> {});
    return target;
  }

  private static Map<String, Input> inputs(Transformer model) {
    Map<String, Input> all = new HashMap<>();
    for (Block block : model.blocks()) {
      block.map(
          new LayerMap() {
            @Override
            public Linear linear(Role role, Linear layer) {
              all.put(layer.name(), layer.input());
              return layer;
            }
          });
    }
    return all;
  }

  @Test
  void answersStayNear() throws IOException {
    Path source = TinyModel.in(folder);
    Path target = compress(source, "static", new StaticInputs(LayerSelection.blocks()));
    List<String> texts = TinyModel.texts(100, 2);
    try (Encoder original = Encoder.load(source, EncoderOptions.defaults());
        Encoder made = Encoder.load(target, EncoderOptions.defaults())) {
      Map<String, Input> found = inputs(made.model().transformer());
      assertThat(found)
          .hasSize(12)
          .allSatisfy((_, i) -> assertThat(i).isInstanceOf(StaticInt8.class));
      found.forEach(
          (name, input) -> {
            if (name.endsWith(".key")) {
              assertThat(input).isEqualTo(found.get(name.replace(".key", ".query")));
            }
          });
      Fidelity fidelity = Fidelity.of(original.embed(texts), made.embed(texts));
      assertThat(fidelity.meanCosine()).isBetween(0.99, 0.999999);
      assertThat(fidelity.minCosine()).isGreaterThan(0.98);
    }
  }

  @Test
  void layersAreChosenByName() throws IOException {
    Path target =
        compress(
            TinyModel.in(folder),
            "some",
            new StaticInputs(LayerSelection.blocks().named(List.of("*.intermediate.*"))));
    try (Encoder made = Encoder.load(target, EncoderOptions.defaults())) {
      inputs(made.model().transformer())
          .forEach(
              (name, input) ->
                  assertThat(input instanceof StaticInt8)
                      .as(name)
                      .isEqualTo(name.contains("intermediate")));
    }
  }

  @Test
  void columnsShareTheirGridByFactors() throws IOException {
    Path source = TinyModel.in(folder);
    Path balanced = compress(source, "balanced", new StaticInputs(LayerSelection.blocks()));
    Path plain =
        compress(
            source,
            "plain",
            new StaticInputs(Observer.USUAL, true, false, LayerSelection.blocks()));
    try (Encoder with = Encoder.load(balanced, EncoderOptions.defaults());
        Encoder without = Encoder.load(plain, EncoderOptions.defaults())) {
      assertThat(inputs(with.model().transformer()).values())
          .allSatisfy(i -> assertThat(((StaticInt8) i).factors().none()).isFalse());
      assertThat(inputs(without.model().transformer()).values())
          .allSatisfy(i -> assertThat(((StaticInt8) i).factors().none()).isTrue());
    }
  }

  @Test
  void weightsMustNotBeIntegersYet() {
    Path source = TinyModel.in(folder);
    Recipe recipe =
        Recipe.of(
            "late",
            new Encode(INT8, LayerSelection.blocks()),
            new StaticInputs(LayerSelection.blocks()));
    var texts = new Compression.Texts(String.join("\n", TinyModel.texts(200, 1)), 100, 64);
    assertThatThrownBy(
            () ->
                new Compression(source, "tiny", recipe, folder.resolve("late"))
                    .run(texts, 2, KernelTier.SCALAR, _ -> {}))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("put it before encode");
  }

  @Test
  void onlyIntegersCarryFactors() {
    Path source = TinyModel.in(folder);
    Recipe recipe =
        Recipe.of(
            "floats",
            new StaticInputs(LayerSelection.blocks()),
            new Encode(DType.of("f16"), LayerSelection.blocks()));
    var texts = new Compression.Texts(String.join("\n", TinyModel.texts(200, 1)), 100, 64);
    assertThatThrownBy(
            () ->
                new Compression(source, "tiny", recipe, folder.resolve("floats"))
                    .run(texts, 2, KernelTier.SCALAR, _ -> {}))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("reads static-int8, which f16 is not multiplied with: encode it");
  }

  /** Of the journal as of the walk: the same grids and the same biases. */
  @Test
  void goesOnWhereItWasStopped() throws IOException {
    Path source = TinyModel.in(folder);
    var pass = new StaticInputs(LayerSelection.blocks());
    Path whole = compress(source, "whole", pass);
    Recipe recipe = Recipe.of("stopped", pass, new Encode(INT8, LayerSelection.blocks()));
    Path target = folder.resolve("stopped");
    var texts = new Compression.Texts(String.join("\n", TinyModel.texts(200, 1)), 100, 64);
    assertThatThrownBy(
            () ->
                new Compression(source, "tiny", recipe, target)
                    .run(
                        texts,
                        2,
                        KernelTier.select(Optional.empty()).tier(),
                        progress -> {
                          throw new IllegalStateException("stopped at " + progress.what());
                        }))
        .hasMessage("stopped at block 1 of 2");
    Path journal = folder.resolve(".stopped-journal/pass-0/block-00000.safetensors");
    var written = Files.getLastModifiedTime(journal);
    new Compression(source, "tiny", recipe, target)
        .run(
            texts,
            2,
            KernelTier.select(Optional.empty()).tier(),
            progress -> {
              if (progress.share() < 1) {
                try {
                  assertThat(Files.getLastModifiedTime(journal)).isEqualTo(written);
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              }
            });
    assertThat(target.resolve("model.safetensors"))
        .hasSameBinaryContentAs(whole.resolve("model.safetensors"));
  }

  @Test
  void needsTexts() {
    Path source = TinyModel.in(folder);
    Recipe recipe = Recipe.of("none", new StaticInputs(LayerSelection.blocks()));
    assertThatThrownBy(
            () ->
                new Compression(source, "tiny", recipe, folder.resolve("none"))
                    .run(Compression.Texts.NONE, 2, KernelTier.SCALAR, _ -> {}))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("static-int8 is calibrated: it needs texts");
  }
}
