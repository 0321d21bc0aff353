package dev.hone.compress.quantize;

import dev.hone.compress.Foreseen;
import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.RecipeException;
import dev.hone.compress.calibrate.BlockWalk;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.Gram;
import dev.hone.compress.calibrate.Inputs;
import dev.hone.compress.calibrate.Journal;
import dev.hone.model.Block;
import dev.hone.model.Embedding;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Stores the matrices of the chosen layers in another type: cast to the nearest for floats,
 * quantized for integers, as {@link Rounding} says. What a calibrated method cannot see the inputs
 * of, embeddings and heads, it takes as if every column counted the same.
 *
 * <p>Where a K-quant's blocks do not divide a matrix's rows, it gets the next wider type of blocks
 * of 32, as llama.cpp gives it.
 *
 * @param type of the layers that {@code types} does not name
 * @param types by the weight's name, in the order of names
 */
public record Encode(DType type, Map<String, DType> types, Rounding rounding, LayerSelection layers)
    implements Pass {
  /** What recipes call the pass. */
  public static final String NAME = "encode";

  private static final Set<Plain> FLOATS = Set.of(Plain.F32, Plain.F16, Plain.BF16);

  public Encode {
    types = Collections.unmodifiableMap(new TreeMap<>(types));
    if (type instanceof Plain plain && !FLOATS.contains(plain)) {
      throw new IllegalArgumentException(
          type.label() + " is no type of weights: f32, f16 and bf16 are, and int8-channel");
    }
    if (rounding.calibrated()) {
      Grid.of(type, Integers.SCALES); // refuses what cannot be calibrated
    }
  }

  /** One type for all layers. */
  public Encode(DType type, Rounding rounding, LayerSelection layers) {
    this(type, Map.of(), rounding, layers);
  }

  /** Each number to the nearest. */
  public Encode(DType type, LayerSelection layers) {
    this(type, Rounding.of(Rounding.Method.RTN), layers);
  }

  /** The pass as recipes write it: {@code encode: int8-channel}. */
  public static Encode read(String type, Rounding rounding, LayerSelection layers) {
    return new Encode(DType.of(type), rounding, layers);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String argument() {
    return type.label();
  }

  @Override
  public Map<String, Object> fields() {
    return rounding.fields();
  }

  @Override
  public void foresee(Foreseen model) {
    if (rounding.calibrated()) {
      model.requireTexts(rounding.method().label());
    }
    model.change(
        layers,
        layer -> {
          DType to = fitting(asked(layer.name()), layer.cols());
          if (to instanceof DType.Block block
              && model.keepsWidths()
              && layer.cols() % block.columns() != 0) {
            throw new RecipeException(
                layer.name()
                    + " has rows of "
                    + layer.cols()
                    + " columns: "
                    + to.label()
                    + " needs a multiple of "
                    + block.columns()
                    + "; leave it away (except), or encode it as f16");
          }
          return layer.encoded(to);
        });
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    Transformer encoded;
    if (rounding.calibrated()) {
      Transformer walked = walk(model, calibration, arena);
      LayerMap others =
          map(
              (from, to, _) -> {
                Curvature flat = Curvature.flat(Math.toIntExact(from.cols()));
                return integers(from, to, flat, calibration, arena);
              });
      encoded = walked.with(List.of()).map(others).with(walked.blocks());
    } else {
      encoded = model.map(map((from, to, _) -> Layouts.encode(from, to, arena)));
    }
    List<LayerChange> changes = LayerChange.between(model, encoded);
    tellOfOtherTypes(changes, calibration);
    return new Outcome(encoded, changes);
  }

  /** Says which matrices could not have the type that was asked for. */
  private void tellOfOtherTypes(List<LayerChange> changes, Calibration calibration) {
    List<LayerChange> others =
        changes.stream().filter(c -> !c.to().equals(asked(c.layer()).label())).toList();
    if (!others.isEmpty()) {
      String first = others.getFirst().layer();
      calibration
          .notes()
          .accept(
              others.size()
                  + " matrices ("
                  + first
                  + " ...) have rows that are no whole blocks of "
                  + asked(first).label()
                  + ": they became "
                  + others.stream()
                      .map(LayerChange::to)
                      .distinct()
                      .collect(Collectors.joining(", ")));
    }
  }

  private DType asked(String weight) {
    return types.getOrDefault(weight, type);
  }

  private Transformer walk(Transformer model, Calibration calibration, Arena arena) {
    Set<String> chosen = new HashSet<>();
    model.blocks().forEach(block -> chosen.addAll(layers.names(block)));
    if (chosen.isEmpty()) {
      return model;
    }
    Journal journal = Journal.open(calibration.journal(), calibration.key(this, model), arena);
    Gram.Extent extent = rounding.propagates() ? Gram.Extent.ALL : Gram.Extent.DIAGONAL;
    return new BlockWalk(calibration, layer -> chosen.contains(layer.weight().name()), extent)
        .run(model, journal, (block, inputs, own) -> encode(block, inputs, calibration, own));
  }

  /** What a matrix becomes; what it is, where the pass leaves it alone. */
  private DType type(Role role, Weight weight) {
    Tensor now = weight.tensor();
    return layers.chooses(role, weight.name())
        ? fitting(asked(weight.name()), now.cols())
        : now.dtype();
  }

  /**
   * The type, or where its blocks do not divide rows of so many columns, the one in its place: that
   * of llama.cpp's {@code llama_tensor_get_type}.
   */
  public static DType fitting(DType type, long cols) {
    if (!(type instanceof DType.Block block) || cols % block.columns() == 0 || cols % 32 != 0) {
      return type;
    }
    return switch (block) {
      case Q2_K, Q3_K -> DType.Block.IQ4_NL;
      case Q4_K -> DType.Block.Q5_0;
      case Q5_K -> DType.Block.Q5_1;
      case Q6_K -> DType.Block.Q8_0;
      case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL -> block;
    };
  }

  private Block encode(Block block, Inputs inputs, Calibration calibration, Arena arena) {
    Function<Linear, Optional<Curvature>> curvatures =
        inputs.handedOut(gram -> Curvature.of(gram, rounding, calibration.pool()));
    return block.map(
        map(
            (from, to, layer) -> {
              Curvature curvature =
                  curvatures.apply(layer).orElseGet(() -> Curvature.flat(layer.in()));
              return integers(from, to, curvature, calibration, arena);
            }));
  }

  private Tensor integers(
      Tensor from, DType to, Curvature curvature, Calibration calibration, Arena arena) {
    return Gptq.round(
            Layouts.floats(from),
            Math.toIntExact(from.rows()),
            curvature,
            Grid.of(to, Integers.SCALES),
            rounding,
            calibration.kernels())
        .tensor(arena, calibration.pool());
  }

  /** Makes the new matrix of a layer; the layer is null for an embedding. */
  @FunctionalInterface
  private interface Maker {
    Tensor of(Tensor from, DType to, Linear layer);
  }

  private LayerMap map(Maker maker) {
    return new LayerMap() {
      @Override
      public Linear linear(Role role, Linear layer) {
        Tensor matrix = make(role, layer.weight(), layer);
        return matrix == layer.weight().tensor() ? layer : layer.with(matrix);
      }

      @Override
      public Embedding embedding(Role role, Embedding table) {
        return table.with(make(role, table.weight(), null));
      }

      private Tensor make(Role role, Weight weight, Linear layer) {
        Tensor from = weight.tensor();
        DType type = type(role, weight);
        return type.equals(from.dtype()) ? from : maker.of(from, type, layer);
      }
    };
  }
}
