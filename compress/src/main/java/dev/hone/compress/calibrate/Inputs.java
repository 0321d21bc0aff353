package dev.hone.compress.calibrate;

import dev.hone.compress.RecipeException;
import dev.hone.model.Linear;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.RoundedInput;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * What the linear layers of one block read, rounded where they round it; layers that read the same
 * share it.
 */
public final class Inputs {
  private final Map<String, Gram> byLayer = new HashMap<>();
  private final Gram.Extent extent;

  /** Nothing read yet; counts that much of it. */
  public Inputs(Gram.Extent extent) {
    this.extent = extent;
  }

  /**
   * What a layer read; empty where it read nothing, as an expert that no token came to.
   *
   * @throws RecipeException where that is no finite number
   */
  public Optional<Gram> of(Linear layer) {
    return Optional.ofNullable(checked(byLayer.get(layer.name())));
  }

  /**
   * For layers that are asked for once and one after the other: something made of what each read,
   * once for neighbours that read the same. What no layer needs any more is given up.
   */
  public <T> Function<Linear, Optional<T>> handedOut(Function<Gram, T> make) {
    return new Function<>() {
      private Gram last;
      private T made;

      @Override
      public Optional<T> apply(Linear layer) {
        Gram gram = checked(byLayer.remove(layer.name()));
        if (gram == null) {
          return Optional.empty();
        }
        if (gram != last) {
          made = null;
          made = make.apply(gram);
        }
        Optional<T> own = Optional.of(made);
        boolean more = byLayer.containsValue(gram);
        last = more ? gram : null;
        made = more ? made : null;
        return own;
      }
    };
  }

  private static Gram checked(Gram gram) {
    if (gram != null && !Double.isFinite(Arrays.stream(gram.diagonal()).sum())) {
      float most = 0;
      for (float largest : gram.largest()) {
        most = Math.max(most, largest); // NaN stays
      }
      throw new RecipeException(
          gram.layer()
              + " reads numbers whose squares are not finite, the largest is "
              + most
              + ": the model overflows on these texts before it; calibrate with others, or leave"
              + " this layer out (except)");
    }
    return gram;
  }

  /** Counts what the watched layers read while one batch runs: told of each layer and its input. */
  public BiConsumer<Linear, Tensor> batch(Calibration calibration, Predicate<Linear> watched) {
    var batch = new OneBatch(calibration.kernels(), calibration.pool());
    return (layer, x) -> {
      if (watched.test(layer)) {
        batch.add(layer, x);
      }
    };
  }

  private final class OneBatch {
    private final IdentityHashMap<Tensor, Map<Input, Gram>> seen = new IdentityHashMap<>();
    private final Kernels kernels;
    private final ComputePool pool;

    OneBatch(Kernels kernels, ComputePool pool) {
      this.kernels = kernels;
      this.pool = pool;
    }

    void add(Linear layer, Tensor x) {
      Map<Input, Gram> ways = seen.computeIfAbsent(x, _ -> new HashMap<>());
      Gram shared = ways.get(layer.input());
      if (shared != null) {
        byLayer.putIfAbsent(layer.name(), shared);
        return;
      }
      Gram own =
          byLayer.computeIfAbsent(layer.name(), _ -> new Gram(layer.name(), layer.in(), extent));
      try (Arena arena = Arena.ofShared()) {
        own.add(RoundedInput.round(x, layer.input(), arena, pool), kernels, pool);
      }
      ways.put(layer.input(), own);
    }
  }
}
