package dev.hone.compress.quantize;

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
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
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
 * one for all rows, the same for layers that read the same. Weights stay what they are. What the
 * model does with scores of attention stays in floats.
 *
 * <p>Feed-forward layers of trained models read single columns that reach many times as far as all
 * others, at one token of a text: Bondarenko et al., "Understanding and Overcoming the Challenges
 * of Efficient Transformer Quantization", section 3. One grid for all rows serves neither, so
 * theirs are found token by token, unless a recipe wants them static too.
 *
 * @param correctBias whether biases make good for what the grids lose on average: Nagel et al.,
 *     "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2, by the
 *     means that were seen
 * @param feedForward whether feed-forward layers read static grids too, not dynamic ones
 */
public record StaticInputs(
    Observer observer, boolean correctBias, boolean feedForward, LayerSelection layers)
    implements Pass {
  private static final String CORRECT_BIAS = "correct-bias";
  private static final String FEED_FORWARD = "feed-forward";

  /** What recipes say of it. */
  public static final Set<String> FIELDS =
      Set.of("observer", "percentile", CORRECT_BIAS, FEED_FORWARD);

  public StaticInputs {
    if (layers.kinds().contains(LayerKind.EMBEDDING) || layers.kinds().contains(LayerKind.HEAD)) {
      throw new IllegalArgumentException(
          StaticInt8.LABEL + " is for layers of blocks: attention, feed-forward, router");
    }
    if (!feedForward && layers.kinds().equals(Set.of(LayerKind.FEED_FORWARD))) {
      throw new IllegalArgumentException(
          "grids of feed-forward layers are dynamic unless " + FEED_FORWARD + " is true");
    }
  }

  /** As it does best. */
  public StaticInputs(LayerSelection layers) {
    this(Observer.USUAL, true, false, layers);
  }

  /** The pass as recipes write it: {@code input: static-int8}. */
  public static StaticInputs read(RecipeFields fields, LayerSelection layers) {
    return new StaticInputs(
        Observer.read(fields),
        fields.flag(CORRECT_BIAS, true),
        fields.flag(FEED_FORWARD, false),
        layers);
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
    if (feedForward) {
      fields.put(FEED_FORWARD, true);
    }
    return fields;
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    calibration.required(StaticInt8.LABEL);
    Journal journal = Journal.open(calibration.journal(), calibration.key(this, model), arena);
    LayerSelection fixed = feedForward ? layers : layers.without(LayerKind.FEED_FORWARD);
    Transformer dynamic =
        new RoundInputs(Input.DYNAMIC_INT8, layers).apply(model, calibration, arena).model();
    Transformer made =
        new BlockWalk(calibration, _ -> false)
            .look(
                dynamic,
                journal,
                (block, texts, own) -> change(block, texts, fixed.names(block), calibration, own));
    return new Outcome(made, List.of());
  }

  private Block change(
      Block block, Texts texts, Set<String> chosen, Calibration calibration, Arena arena) {
    Map<String, InputRange> ranges = new HashMap<>();
    texts.show(block, () -> reach(chosen, ranges, calibration));
    if (observer.method().ofHistogram()) {
      boolean weigh = observer.method() == Observer.Method.MSE;
      texts.show(
          block, () -> each(ranges, (range, x) -> range.count(x, weigh, calibration.pool())));
    }
    IdentityHashMap<InputRange, StaticInt8> grids = new IdentityHashMap<>();
    ranges.values().forEach(range -> grids.computeIfAbsent(range, observer::grid));
    if (correctBias) {
      texts.show(
          block,
          () -> each(ranges, (range, x) -> range.lose(x, grids.get(range), calibration.pool())));
    }
    return block.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            InputRange range = ranges.get(layer.name());
            if (range == null) {
              return layer; // not chosen, or an expert that no token came to: it stays dynamic
            }
            Weight bias =
                correctBias && layer.bias() != null
                    ? corrected(layer, range.meanLoss(), arena)
                    : layer.bias();
            return new Linear(layer.weight(), bias, grids.get(range));
          }
        });
  }

  /** Finds out which layers read the same, and how far it reaches. */
  private static BiConsumer<Linear, Tensor> reach(
      Set<String> chosen, Map<String, InputRange> ranges, Calibration calibration) {
    IdentityHashMap<Tensor, InputRange> seen = new IdentityHashMap<>();
    return (layer, x) -> {
      if (!chosen.contains(layer.weight().name())) {
        return;
      }
      InputRange range = seen.get(x);
      if (range == null) {
        range = ranges.computeIfAbsent(layer.name(), _ -> new InputRange());
        range.reach(x, calibration.pool());
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
    float[] weights = Integers.floats(layer.weight().tensor());
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
