package dev.hone.compress.search;

import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.RoundInputs;
import dev.hone.model.Transformer;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import java.util.List;
import java.util.stream.Stream;

/** Each way of making a model smaller that Hone knows so far, in one type for all blocks. */
final class KnownRecipes {
  /**
   * Embedding tables at 8 bits, a scale a row: they are half of a small model, and take it well.
   */
  static final DType EMBEDDING = new Affine(8, 0, true);

  static final Affine INT8 = new Affine(8, 0, true);
  static final Affine INT4 = new Affine(4, 32, false);

  private KnownRecipes() {}

  /** Those that fit the model: a group must divide the rows of its matrices. */
  static List<Recipe> of(Transformer model) {
    Stream<Recipe> floats = Stream.of(Plain.BF16, Plain.F16).map(type -> uniform(type, type));
    Stream<Recipe> integers =
        Stream.of(
                INT8,
                INT4,
                new Affine(4, 64, false),
                new Affine(4, 128, false),
                new Affine(4, 32, true))
            .filter(type -> fits(type, model))
            .map(type -> uniform(type, EMBEDDING));
    return Stream.of(floats, Stream.of(integerProducts()), integers).flatMap(r -> r).toList();
  }

  static boolean fits(Affine type, Transformer model) {
    return type.group() == 0
        || LayerGroup.of(model).stream().allMatch(group -> group.divisibleBy(type.group()));
  }

  static Recipe uniform(DType blocks, DType embedding) {
    return Recipe.of(
        blocks.label(),
        new Encode(blocks, LayerSelection.blocks()),
        new Encode(embedding, LayerSelection.of(LayerKind.EMBEDDING)));
  }

  /** Weights and inputs of 8 bits. */
  private static Recipe integerProducts() {
    return Recipe.of(
        INT8.label() + "-" + Input.DYNAMIC_INT8.label(),
        new Encode(INT8, LayerSelection.blocks()),
        new RoundInputs(Input.DYNAMIC_INT8, LayerSelection.blocks()),
        new Encode(EMBEDDING, LayerSelection.of(LayerKind.EMBEDDING)));
  }
}
