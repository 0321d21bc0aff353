package dev.hone.compress.quantize;

import dev.hone.compress.Foreseen;
import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.RecipeFields;
import dev.hone.compress.calibrate.BlockWalk;
import dev.hone.compress.calibrate.BlockWalk.Texts;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.Journal;
import dev.hone.model.Block;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * Makes products of the chosen layers read their input on grids that are found here, from texts:
 * one for all rows, the same for layers that read the same. What the model does with scores of
 * attention stays in floats.
 *
 * <p>Trained models read single columns that reach many times as far as all others, at one token of
 * a text: Bondarenko et al., "Understanding and Overcoming the Challenges of Efficient Transformer
 * Quantization", section 3. So that one grid serves all, columns are multiplied with factors before
 * they are rounded, which weights are divided by: {@link ColumnBalance}. Weights are quantized
 * after it, then.
 *
 * @param correctBias whether biases make good for what the grids lose on average: Nagel et al.,
 *     "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2, by the
 *     means that were seen
 * @param balance whether columns have factors
 */
public record StaticInputs(
    Observer observer, boolean correctBias, boolean balance, LayerSelection layers)
    implements Pass {
  private static final String CORRECT_BIAS = "correct-bias";
  private static final String BALANCE = "balance";

  /** What recipes say of it. */
  public static final Set<String> FIELDS =
      Set.of(Observer.METHOD, Observer.SHARE, CORRECT_BIAS, BALANCE);

  public StaticInputs {
    if (layers.kinds().contains(LayerKind.EMBEDDING) || layers.kinds().contains(LayerKind.HEAD)) {
      throw new IllegalArgumentException(
          StaticInt8.LABEL + " is for layers of blocks: attention, feed-forward, router");
    }
  }

  /** As it does best. */
  public StaticInputs(LayerSelection layers) {
    this(Observer.USUAL, true, true, layers);
  }

  /** The pass as recipes write it: {@code input: static-int8}. */
  public static StaticInputs read(RecipeFields fields, LayerSelection layers) {
    return new StaticInputs(
        Observer.read(fields), fields.flag(CORRECT_BIAS, true), fields.flag(BALANCE, true), layers);
  }

  @Override
  public String name() {
    return RoundInputs.NAME;
  }

  @Override
  public String argument() {
    return StaticInt8.LABEL;
  }

  @Override
  public Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>(observer.fields());
    if (!correctBias) {
      fields.put(CORRECT_BIAS, false);
    }
    if (!balance) {
      fields.put(BALANCE, false);
    }
    return fields;
  }

  @Override
  public void foresee(Foreseen model) {
    model.requireTexts(StaticInt8.LABEL);
    model.change(
        layers,
        layer ->
            layer
                .ofFloats(
                    StaticInt8.LABEL
                        + " balances columns before weights are quantized; put it before encode")
                .reading(balance ? Foreseen.BALANCED_GRID : Foreseen.GRID));
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    Journal journal = Journal.open(calibration.journal(), calibration.key(this, model), arena);
    Transformer made =
        new BlockWalk(calibration)
            .look(
                model,
                journal,
                (block, texts, own) -> change(block, texts, layers.names(block), calibration, own));
    return new Outcome(made, List.of());
  }

  private Block change(
      Block block, Texts texts, Set<String> chosen, Calibration calibration, Arena arena) {
    ComputePool pool = calibration.pool();
    Map<String, InputRange> ranges = new HashMap<>();
    texts.show(block, () -> reach(chosen, ranges, pool));
    IdentityHashMap<InputRange, StaticInt8> grids = new IdentityHashMap<>();
    ranges.values().forEach(range -> grids.put(range, null));
    if (balance) {
      grids.keySet().forEach(InputRange::balance);
    }
    if (observer.method().looksTwice()) {
      texts.show(block, () -> each(ranges, (range, x) -> observer.look(range, x, pool)));
    }
    grids.replaceAll((range, _) -> observer.grid(range));
    if (correctBias && anyBias(block, chosen)) {
      texts.show(block, () -> each(ranges, (range, x) -> range.lose(x, grids.get(range), pool)));
    }
    return block.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            InputRange range = ranges.get(layer.name());
            if (!chosen.contains(layer.weight().name())) {
              return layer;
            }
            if (range == null) {
              texts.unread(layer);
              return layer.with(Input.DYNAMIC_INT8);
            }
            return reading(layer, range, grids.get(range), arena);
          }
        });
  }

  private static boolean anyBias(Block block, Set<String> chosen) {
    boolean[] any = new boolean[1];
    block.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            any[0] |= layer.bias() != null && chosen.contains(layer.weight().name());
            return layer;
          }
        });
    return any[0];
  }

  /** The layer that reads its input on a grid. */
  private Linear reading(Linear layer, InputRange range, StaticInt8 grid, Arena arena) {
    ColumnFactors factors = range.factors();
    Weight weight = layer.weight();
    if (!factors.none()) {
      float[] divisors = factors.toArray();
      for (int c = 0; c < divisors.length; c++) {
        divisors[c] = 1 / divisors[c];
      }
      weight = weight.with(Folding.scaled(weight.tensor(), null, divisors, arena));
    }
    Linear divided = new Linear(weight, layer.bias(), grid.with(factors));
    return correctBias && layer.bias() != null
        ? new Linear(weight, corrected(divided, range.meanLoss(), arena), divided.input())
        : divided;
  }

  /** Finds out which layers read the same, and how far it reaches. */
  private static BiConsumer<Linear, Tensor> reach(
      Set<String> chosen, Map<String, InputRange> ranges, ComputePool pool) {
    IdentityHashMap<Tensor, InputRange> seen = new IdentityHashMap<>();
    return (layer, x) -> {
      if (!chosen.contains(layer.weight().name())) {
        return;
      }
      InputRange range = seen.get(x);
      if (range == null) {
        range = ranges.computeIfAbsent(layer.name(), _ -> new InputRange());
        range.reach(x, pool);
        seen.put(x, range);
      }
      ranges.putIfAbsent(layer.name(), range);
      range.addReader(layer);
    };
  }

  /** Shows every range what its layers read, once. */
  private static BiConsumer<Linear, Tensor> each(
      Map<String, InputRange> ranges, BiConsumer<InputRange, Tensor> look) {
    Set<Tensor> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    return (layer, x) -> {
      InputRange range = ranges.get(layer.name());
      if (range != null && seen.add(x)) {
        look.accept(range, x);
      }
    };
  }

  private static Weight corrected(Linear layer, double[] lost, Arena arena) {
    float[] bias = layer.bias().tensor().toArray();
    float[] weights = Layouts.floats(layer.weight().tensor());
    for (int n = 0; n < bias.length; n++) {
      double sum = 0;
      for (int k = 0; k < lost.length; k++) {
        sum += lost[k] * weights[n * lost.length + k];
      }
      bias[n] += (float) sum;
    }
    return layer.bias().with(Tensor.copyOf(arena, bias, bias.length));
  }
}
