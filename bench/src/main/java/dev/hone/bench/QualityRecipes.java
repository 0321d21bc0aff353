package dev.hone.bench;

import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.prune.Criterion;
import dev.hone.compress.prune.Prune;
import dev.hone.compress.prune.Sparsity;
import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.Mix;
import dev.hone.compress.quantize.Observer;
import dev.hone.compress.quantize.RoundInputs;
import dev.hone.compress.quantize.Rounding;
import dev.hone.compress.quantize.Rounding.Method;
import dev.hone.compress.quantize.StaticInputs;
import dev.hone.model.folder.Model;
import dev.hone.tensor.DType;
import dev.hone.tensor.Input;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The ways of compressing whose losses are measured. */
final class QualityRecipes {
  private static final DType INT8 = new DType.Affine(8, 0, true);

  private QualityRecipes() {}

  /** Blocks in a type; embeddings, and what stands behind the blocks, at 8 bits. */
  static Recipe encoder(String type, Method method) {
    return Recipe.of(
        type + " " + method.label(),
        new Encode(DType.of(type), Rounding.of(method), LayerSelection.blocks()),
        new Encode(
            INT8,
            Rounding.of(method == Method.RTN ? Method.RTN : Method.REFIT),
            LayerSelection.of(LayerKind.EMBEDDING, LayerKind.HEAD)));
  }

  /** Weights at 8 bits, and inputs token by token. */
  static Recipe dynamicInt8() {
    return Recipe.of(
        "dynamic int8",
        new Encode(INT8, LayerSelection.blocks()),
        new RoundInputs(Input.DYNAMIC_INT8, LayerSelection.blocks()),
        new Encode(INT8, LayerSelection.of(LayerKind.EMBEDDING)));
  }

  /**
   * Weights at 8 bits, and all inputs on grids found from texts.
   *
   * @param well as it does best; else each number to the nearest, from the least to the largest
   */
  static Recipe staticInt8(boolean well) {
    return Recipe.of(
        "static int8 " + (well ? "balanced gptq" : "nearest"),
        new StaticInputs(
            well ? Observer.USUAL : Observer.of(Observer.Method.MIN_MAX),
            well,
            well,
            LayerSelection.blocks()),
        new Encode(INT8, Rounding.of(well ? Method.GPTQ : Method.RTN), LayerSelection.blocks()),
        new Encode(INT8, LayerSelection.of(LayerKind.EMBEDDING)));
  }

  /** Blocks in a type, embeddings in Q8_0. */
  static Recipe decoder(String type, Method method) {
    return Recipe.of(
        type + " " + method.label(),
        new Encode(DType.of(type), Rounding.of(method), LayerSelection.blocks()),
        new Encode(DType.Block.Q8_0, LayerSelection.of(LayerKind.EMBEDDING)));
  }

  /**
   * Blocks in types of their own, so that the file has at most so many bytes; embeddings in Q8_0.
   */
  static Recipe mixed(Path source, long fileBytes) {
    try (Model model = Model.load(source)) {
      LayerSelection blocks = LayerSelection.blocks();
      return Recipe.of(
          "mixed gptq " + fileBytes,
          new Mix(
              Mix.bits(model, fileBytes, DType.Block.Q8_0, blocks),
              Rounding.of(Method.GPTQ),
              blocks),
          new Encode(DType.Block.Q8_0, LayerSelection.of(LayerKind.EMBEDDING)));
    }
  }

  /** Half of the blocks' weights are zero, wherever they stand or by a pattern; magnitude first. */
  static List<Recipe> sparse(String sparsity) {
    return Stream.of(Criterion.MAGNITUDE, Criterion.WANDA, Criterion.SPARSEGPT)
        .map(
            criterion ->
                Recipe.of(
                    sparsity + " " + criterion.label(),
                    new Prune(
                        sparsity.contains(":")
                            ? Sparsity.Pattern.of(sparsity)
                            : Sparsity.of(sparsity, criterion.usualScope()),
                        criterion,
                        Prune.DAMPING,
                        LayerSelection.blocks())))
        .toList();
  }
}
