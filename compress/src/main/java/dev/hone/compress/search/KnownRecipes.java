package dev.hone.compress.search;

import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.Recipe;
import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.RoundInputs;
import dev.hone.compress.quantize.Rounding;
import dev.hone.compress.quantize.StaticInputs;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import java.util.List;
import java.util.stream.Stream;

/**
 * Each way of making a model smaller that Hone knows so far, in one format for all layers: what a
 * search tries, and takes the layers of its mixtures from. Another format is another line.
 */
final class KnownRecipes {
  /**
   * Embedding tables at 8 bits, a scale a row: they are half of a small model, and take it well.
   */
  private static final DType EMBEDDING = new Affine(8, 0, true);

  private static final Affine INT8 = new Affine(8, 0, true);

  private KnownRecipes() {}

  /**
   * Those that fit the model: a group must divide the rows of its matrices.
   *
   * @param bf16 whether products of BF16 are faster here than those of floats
   */
  static List<Recipe> of(Transformer model, boolean bf16) {
    return Stream.of(
            bf16 ? bf16Products() : uniform(Plain.BF16, Plain.BF16),
            uniform(Plain.F16, Plain.F16),
            integerProducts(new RoundInputs(Input.DYNAMIC_INT8, LayerSelection.blocks())),
            integerProducts(new StaticInputs(LayerSelection.blocks())),
            uniform(INT8, EMBEDDING),
            gptq(new Affine(4, 32, false)),
            gptq(new Affine(4, 64, false)),
            embeddings(new Affine(4, 32, false)))
        .filter(recipe -> fits(recipe, model))
        .toList();
  }

  private static boolean fits(Recipe recipe, Transformer model) {
    return recipe.passes().stream()
        .allMatch(
            pass ->
                !(pass instanceof Encode encode)
                    || !(encode.type() instanceof Affine type)
                    || type.group() == 0
                    || model.weights().stream()
                        .map(Weight::tensor)
                        .allMatch(t -> t.rank() < 2 || t.cols() % type.group() == 0));
  }

  /** Blocks in one type, embedding tables in another. */
  private static Recipe uniform(DType blocks, DType embedding) {
    return Recipe.of(
        blocks.label(),
        new Encode(blocks, LayerSelection.blocks()),
        new Encode(embedding, LayerSelection.of(LayerKind.EMBEDDING)));
  }

  /** Weights of BF16, and inputs too. */
  private static Recipe bf16Products() {
    return Recipe.of(
        "bf16-bf16",
        new Encode(Plain.BF16, LayerSelection.blocks()),
        new RoundInputs(Input.BF16, LayerSelection.blocks()),
        new Encode(Plain.BF16, LayerSelection.of(LayerKind.EMBEDDING)));
  }

  /** Weights of 8 bits, and inputs too. */
  private static Recipe integerProducts(Pass inputs) {
    return Recipe.of(
        INT8.label() + "-" + inputs.argument(),
        new Encode(INT8, LayerSelection.blocks()),
        inputs,
        new Encode(EMBEDDING, LayerSelection.of(LayerKind.EMBEDDING)));
  }

  private static Recipe gptq(DType blocks) {
    return Recipe.of(
        Rounding.Method.GPTQ.label() + "-" + blocks.label(),
        new Encode(blocks, Rounding.of(Rounding.Method.GPTQ), LayerSelection.blocks()),
        new Encode(EMBEDDING, LayerSelection.of(LayerKind.EMBEDDING)));
  }

  /** The tables alone: mixtures take them from here. */
  private static Recipe embeddings(DType type) {
    return Recipe.of(
        "embeddings-" + type.label(),
        new Encode(
            type, Rounding.of(Rounding.Method.REFIT), LayerSelection.of(LayerKind.EMBEDDING)));
  }
}
