package dev.hone.compress.prune;

import dev.hone.compress.Foreseen;
import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.RecipeException;
import dev.hone.compress.RecipeFields;
import dev.hone.compress.calibrate.BlockWalk;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.Gram;
import dev.hone.compress.calibrate.Inputs;
import dev.hone.compress.calibrate.InverseFactor;
import dev.hone.compress.calibrate.Journal;
import dev.hone.compress.prune.Sparsity.Pattern;
import dev.hone.compress.prune.Sparsity.Scope;
import dev.hone.compress.prune.Sparsity.Unstructured;
import dev.hone.model.Block;
import dev.hone.model.Embedding;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Sets single weights of the chosen matrices to zero: those that matter least by a {@link
 * Criterion}. Biases and norms stay; matrices keep their shapes and their types, which must be
 * plain numbers. What a calibrated criterion cannot see the inputs of, embeddings, heads and
 * experts that no token came to, it judges by magnitude.
 *
 * @param damping of {@link Criterion#SPARSEGPT}: added to the Hessian's diagonal, as a share of its
 *     mean
 */
public record Prune(Sparsity sparsity, Criterion by, double damping, LayerSelection layers)
    implements Pass {
  /** What recipes call the pass. */
  public static final String NAME = "prune";

  /** What recipes say of it beside how much. */
  public static final Set<String> FIELDS = Set.of("by", "scope", "damping");

  /** Added to the Hessian's diagonal where nothing else is asked: as the paper's own code does. */
  public static final double DAMPING = 0.01;

  /** What must be done so that weights are floats. */
  static final String FLOATS =
      "prune before weights are quantized, or decode them first (encode: f16)";

  public Prune {
    if (!(damping >= 0) || damping > 1) {
      throw new IllegalArgumentException("damping=" + damping + ": from 0 to 1");
    }
    switch (sparsity) {
      case Pattern _ -> {}
      case Unstructured(Amount amount, Scope scope) -> {
        if (by == Criterion.SPARSEGPT
            && (scope != Scope.LAYER || !(amount instanceof Amount.Share))) {
          throw new IllegalArgumentException(
              "sparsegpt decides columns by columns: it takes a share of every layer or a pattern,"
                  + " not "
                  + amount.label()
                  + " with scope "
                  + scope.label());
        }
      }
    }
  }

  /** With the usual damping. */
  public Prune(Sparsity sparsity, Criterion by, LayerSelection layers) {
    this(sparsity, by, DAMPING, layers);
  }

  /** The pass as recipes write it: {@code prune: 50%}, {@code by: wanda}. */
  public static Prune read(String amount, RecipeFields fields, LayerSelection layers) {
    Criterion by = Criterion.of(fields.text("by", Criterion.MAGNITUDE.label()));
    Scope scope = Scope.of(fields.text("scope", by.usualScope().label()));
    Sparsity sparsity = Sparsity.of(amount, scope);
    if (sparsity instanceof Pattern && fields.has("scope")) {
      throw new IllegalArgumentException("a pattern is its own scope: leave scope away");
    }
    if (by != Criterion.SPARSEGPT && fields.has("damping")) {
      throw new IllegalArgumentException("damping belongs to sparsegpt, not to " + by.label());
    }
    return new Prune(sparsity, by, fields.number("damping", DAMPING), layers);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String argument() {
    return sparsity.label();
  }

  @Override
  public Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("by", by.label());
    if (sparsity instanceof Unstructured some && some.scope() != by.usualScope()) {
      fields.put("scope", some.scope().label());
    }
    if (by == Criterion.SPARSEGPT && damping != DAMPING) {
      fields.put("damping", damping);
    }
    return fields;
  }

  @Override
  public void foresee(Foreseen model) {
    if (by.calibrated()) {
      model.requireTexts(by.label());
    }
    List<Foreseen.Layer> chosen = model.chosen(layers);
    chosen.forEach(layer -> layer.ofFloats(FLOATS));
    if (model.keepsWidths()) {
      switch (sparsity) {
        case Pattern pattern ->
            chosen.forEach(layer -> pattern.check(layer.name(), Math.toIntExact(layer.cols())));
        case Unstructured(Amount.Below _, Scope _) -> {}
        case Unstructured(Amount amount, Scope scope) -> {
          switch (scope) {
            case ROW -> chosen.forEach(layer -> amount.of(layer.cols()));
            case LAYER -> chosen.forEach(layer -> amount.of(layer.rows() * layer.cols()));
            case GLOBAL -> amount.of(chosen.stream().mapToLong(l -> l.rows() * l.cols()).sum());
          }
        }
      }
    }
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    Transformer pruned =
        sparsity instanceof Unstructured some && some.scope() == Scope.GLOBAL
            ? together(model, some.amount(), calibration, arena)
            : each(model, calibration, arena);
    return new Outcome(pruned, LayerChange.between(model, pruned));
  }

  /** Every matrix by itself, knowing what the matrices before it have become. */
  private Transformer each(Transformer model, Calibration calibration, Arena arena) {
    LayerMap alone = map((weight, _) -> magnitudes(weight, arena));
    Set<String> chosen = chosen(model);
    if (!by.calibrated() || chosen.isEmpty()) {
      return model.map(alone);
    }
    Journal journal = Journal.open(calibration.journal(), calibration.key(this, model), arena);
    Transformer walked =
        walk(chosen, calibration)
            .run(model, journal, (block, inputs, own) -> prune(block, inputs, calibration, own));
    return walked.with(List.of()).map(alone).with(walked.blocks());
  }

  /** A walk that shows what the chosen layers read. */
  private BlockWalk walk(Set<String> chosen, Calibration calibration) {
    Gram.Extent extent = by == Criterion.SPARSEGPT ? Gram.Extent.ALL : Gram.Extent.DIAGONAL;
    return new BlockWalk(calibration, layer -> chosen.contains(layer.weight().name()), extent);
  }

  private Block prune(Block block, Inputs inputs, Calibration calibration, Arena arena) {
    // SparseGPT's factor, or the lengths of columns; empty where nothing but zeros was read
    Function<Linear, Optional<float[]>> read =
        inputs.handedOut(
            gram ->
                !readAnything(gram)
                    ? new float[0]
                    : by == Criterion.SPARSEGPT ? factor(gram, calibration) : lengths(gram));
    return block.map(
        map(
            (weight, layer) -> {
              float[] known = read.apply(layer).orElse(new float[0]);
              if (known.length == 0) {
                return magnitudes(weight, arena);
              }
              float[] numbers = Layouts.floats(weight.tensor());
              if (by == Criterion.SPARSEGPT) {
                int rows = Math.toIntExact(weight.tensor().rows());
                SparseGpt.prune(numbers, rows, known, sparsity, calibration.pool());
              } else {
                zero(weight, numbers, known);
              }
              return stored(numbers, weight.tensor(), arena);
            }));
  }

  private float[] factor(Gram gram, Calibration calibration) {
    int[] order = IntStream.range(0, gram.size()).toArray();
    return InverseFactor.of(gram, order, damping, calibration.pool()).upper();
  }

  private Tensor magnitudes(Weight weight, Arena arena) {
    float[] numbers = Layouts.floats(weight.tensor());
    zero(weight, numbers, null);
    return stored(numbers, weight.tensor(), arena);
  }

  /**
   * Zeros of a matrix that is judged by itself.
   *
   * @param lengths of its input columns, or null
   */
  private void zero(Weight weight, float[] numbers, float[] lengths) {
    float[] scores = scores(numbers, lengths);
    int cols = Math.toIntExact(weight.tensor().cols());
    switch (sparsity) {
      case Pattern pattern -> Zeros.ofPattern(numbers, scores, pattern);
      case Unstructured(Amount amount, Scope scope) -> {
        switch (scope) {
          case ROW -> Zeros.ofRows(numbers, scores, cols, amount);
          case LAYER, GLOBAL ->
              Zeros.below(
                  numbers, scores, cutoff(amount, scores.length, take -> take.accept(scores)));
        }
      }
    }
  }

  /** All matrices at once, as they are. */
  private Transformer together(
      Transformer model, Amount amount, Calibration calibration, Arena arena) {
    Map<String, float[]> lengths = by.calibrated() ? lengths(model, calibration) : new HashMap<>();
    List<Weight> all = new ArrayList<>();
    model.map(
        map(
            (weight, _) -> {
              if (by.calibrated() && !lengths.containsKey(weight.name())) {
                throw new RecipeException(
                    weight.name()
                        + " has read nothing that is comparable with others: leave it away"
                        + " (except), take more texts, or let each layer be judged by itself"
                        + " (scope: layer)");
              }
              all.add(weight);
              return weight.tensor();
            }));
    Cutoff.Stream stream =
        taker ->
            all.forEach(
                w -> taker.accept(scores(Layouts.floats(w.tensor()), lengths.get(w.name()))));
    long count = all.stream().mapToLong(w -> w.tensor().size()).sum();
    Cutoff cutoff = cutoff(amount, count, stream);
    return model.map(
        map(
            (weight, _) -> {
              float[] numbers = Layouts.floats(weight.tensor());
              Zeros.below(numbers, scores(numbers, lengths.get(weight.name())), cutoff);
              return stored(numbers, weight.tensor(), arena);
            }));
  }

  /** What the chosen layers of the blocks read, by the names of their weights. */
  private Map<String, float[]> lengths(Transformer model, Calibration calibration) {
    Set<String> chosen = chosen(model);
    Map<String, float[]> lengths = new HashMap<>();
    walk(chosen, calibration)
        .run(
            model,
            Journal.NONE,
            (block, inputs, _) ->
                block.map(
                    map(
                        (weight, layer) -> {
                          inputs
                              .of(layer)
                              .ifPresent(gram -> lengths.put(weight.name(), lengths(gram)));
                          return weight.tensor();
                        })));
    return lengths;
  }

  private Set<String> chosen(Transformer model) {
    Set<String> chosen = new HashSet<>();
    model.blocks().forEach(block -> chosen.addAll(layers.names(block)));
    return chosen;
  }

  private static Cutoff cutoff(Amount amount, long count, Cutoff.Stream scores) {
    return switch (amount) {
      case Amount.Below below -> Cutoff.below(below.importance());
      case Amount.Share _, Amount.Count _ -> Cutoff.smallest(amount.of(count), scores);
    };
  }

  private static boolean readAnything(Gram gram) {
    return Arrays.stream(gram.diagonal()).anyMatch(sum -> sum > 0);
  }

  private static float[] lengths(Gram gram) {
    double[] squares = gram.diagonal();
    float[] lengths = new float[squares.length];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = (float) Math.sqrt(squares[i]);
    }
    return lengths;
  }

  private static float[] scores(float[] weights, float[] lengths) {
    float[] scores = new float[weights.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = Math.abs(weights[i]) * (lengths == null ? 1 : lengths[i % lengths.length]);
    }
    return scores;
  }

  private static Tensor stored(float[] numbers, Tensor from, Arena arena) {
    Tensor tensor = Tensor.allocate(arena, (Plain) from.dtype(), from.rows(), from.cols());
    int cols = Math.toIntExact(from.cols());
    for (int row = 0; row < from.rows(); row++) {
      Layouts.encode(Arrays.copyOfRange(numbers, row * cols, (row + 1) * cols), tensor, row);
    }
    return tensor;
  }

  /** Makes the new matrix of a layer; the layer is null for an embedding. */
  @FunctionalInterface
  private interface Maker {
    Tensor of(Weight weight, Linear layer);
  }

  private LayerMap map(Maker maker) {
    return new LayerMap() {
      @Override
      public Linear linear(Role role, Linear layer) {
        return layers.chooses(role, layer.weight().name())
            ? layer.with(maker.of(layer.weight(), layer))
            : layer;
      }

      @Override
      public Embedding embedding(Role role, Embedding table) {
        return layers.chooses(role, table.weight().name())
            ? table.with(maker.of(table.weight(), null))
            : table;
      }
    };
  }
}
