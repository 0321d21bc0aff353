package dev.hone.compress.search;

import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.Recipe;
import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.RoundInputs;
import dev.hone.compress.quantize.Rounding;
import dev.hone.compress.quantize.StaticInputs;
import dev.hone.model.Embedding;
import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Each way of making a model smaller that Hone knows so far, in one format for all layers: what a
 * search tries, and takes the layers of its mixtures from. Another format is another line.
 *
 * @param tables layers that have a type of their own: embedding tables, which are half of a small
 *     model and take 8 bits well, and a decoder's output matrix
 */
record KnownRecipes(LayerSelection tables) {
  private static final Affine INT8 = new Affine(8, 0, true);

  /**
   * Those that fit the model: a group must divide the rows of its matrices. Of a decoder, which may
   * be quantized as it is published, those that make it smaller.
   *
   * @param bf16 whether products of BF16 are faster here than those of floats
   */
  static List<Recipe> of(Model model, boolean bf16) {
    Transformer transformer = model.transformer();
    Predicate<Recipe> fits = recipe -> fits(recipe, transformer);
    if (!(transformer.head() instanceof Head.NextToken)) {
      return new KnownRecipes(LayerSelection.of(LayerKind.EMBEDDING))
          .ofEncoders(bf16)
          .filter(fits)
          .toList();
    }
    var known = new KnownRecipes(LayerSelection.of(LayerKind.EMBEDDING, LayerKind.HEAD));
    return (model.metadata().isPresent() ? known.ofGguf() : known.ofDecoders(bf16))
        .filter(fits.and(recipe -> smaller(recipe, transformer)))
        .toList();
  }

  private Stream<Recipe> ofEncoders(boolean bf16) {
    return Stream.of(
        bf16 ? bf16Products() : uniform(Plain.BF16, Plain.BF16),
        uniform(Plain.F16, Plain.F16),
        integerProducts(new RoundInputs(Input.DYNAMIC_INT8, LayerSelection.blocks())),
        integerProducts(new StaticInputs(LayerSelection.blocks())),
        uniform(INT8, INT8),
        gptq(new Affine(4, 32, false), INT8),
        gptq(new Affine(4, 64, false), INT8),
        tables(new Affine(4, 32, false)));
  }

  /** Where weights are quantized, a decoder's inputs are rounded in blocks as it runs. */
  private Stream<Recipe> ofDecoders(boolean bf16) {
    return Stream.of(
        bf16 ? bf16Products() : uniform(Plain.BF16, Plain.BF16),
        uniform(Plain.F16, Plain.F16),
        integerProducts(new RoundInputs(Input.DYNAMIC_INT8, LayerSelection.blocks())),
        uniform(new Affine(8, 32, true), INT8),
        gptq(new Affine(4, 32, false), INT8),
        gptq(new Affine(4, 64, false), INT8),
        tables(new Affine(4, 32, false)));
  }

  private Stream<Recipe> ofGguf() {
    return Stream.of(
        uniform(Plain.F16, Plain.F16),
        uniform(Block.Q8_0, Block.Q8_0),
        gptq(Block.Q4_1, Block.Q8_0),
        gptq(Block.IQ4_NL, Block.Q8_0),
        tables(Block.Q4_1));
  }

  private static boolean fits(Recipe recipe, Transformer model) {
    return encodes(recipe)
        .allMatch(
            encode ->
                model.weights().stream()
                    .map(Weight::tensor)
                    .allMatch(t -> t.rank() < 2 || t.cols() % columns(encode.type()) == 0));
  }

  /** Columns that a row is a multiple of. */
  private static int columns(DType type) {
    return switch (type) {
      case Affine affine -> Math.max(1, affine.group());
      case Block block -> block.columns();
      case Plain _ -> 1;
    };
  }

  /** Whether weights take fewer bytes, or inputs are rounded for weights that take no more. */
  private static boolean smaller(Recipe recipe, Transformer model) {
    long[] bytes = new long[2]; // before and after
    encodes(recipe)
        .forEach(
            encode ->
                model.map(
                    new LayerMap() {
                      @Override
                      public Linear linear(Role role, Linear layer) {
                        count(role, layer.weight());
                        return layer;
                      }

                      @Override
                      public Embedding embedding(Role role, Embedding table) {
                        count(role, table.weight());
                        return table;
                      }

                      private void count(Role role, Weight weight) {
                        Tensor tensor = weight.tensor();
                        if (encode.layers().chooses(role, weight.name())) {
                          bytes[0] += tensor.dtype().rowBytes(tensor.cols()) * tensor.rows();
                          bytes[1] += encode.type().rowBytes(tensor.cols()) * tensor.rows();
                        }
                      }
                    }));
    boolean roundsInputs = encodes(recipe).count() < recipe.passes().size();
    return bytes[1] < bytes[0] || roundsInputs && bytes[1] == bytes[0];
  }

  private static Stream<Encode> encodes(Recipe recipe) {
    return recipe.passes().stream().filter(Encode.class::isInstance).map(Encode.class::cast);
  }

  /** Blocks in one type, tables in another. */
  private Recipe uniform(DType blocks, DType others) {
    return Recipe.of(
        blocks.label(), new Encode(blocks, LayerSelection.blocks()), new Encode(others, tables));
  }

  /** Weights of BF16, and inputs too. */
  private Recipe bf16Products() {
    return Recipe.of(
        "bf16-bf16",
        new Encode(Plain.BF16, LayerSelection.blocks()),
        new RoundInputs(Input.BF16, LayerSelection.blocks()),
        new Encode(Plain.BF16, tables));
  }

  /** Weights of 8 bits, and inputs too. */
  private Recipe integerProducts(Pass inputs) {
    return Recipe.of(
        INT8.label() + "-" + inputs.argument(),
        inputs,
        new Encode(INT8, LayerSelection.blocks()),
        new Encode(INT8, tables));
  }

  private Recipe gptq(DType blocks, DType others) {
    return Recipe.of(
        Rounding.Method.GPTQ.label() + "-" + blocks.label(),
        new Encode(blocks, Rounding.of(Rounding.Method.GPTQ), LayerSelection.blocks()),
        new Encode(others, tables));
  }

  /** The tables alone: mixtures take them from here. */
  private Recipe tables(DType type) {
    return Recipe.of(
        "embeddings-" + type.label(), new Encode(type, Rounding.of(Rounding.Method.REFIT), tables));
  }
}
