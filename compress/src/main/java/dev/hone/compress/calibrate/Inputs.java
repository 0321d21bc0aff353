package dev.hone.compress.calibrate;

import dev.hone.model.Linear;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/** What the linear layers of one block read; layers that read the same share it. */
public final class Inputs {
  private final Map<String, Gram> byLayer = new HashMap<>();

  /** What a layer read; empty where it read nothing, as an expert that no token came to. */
  public Optional<Gram> of(Linear layer) {
    return Optional.ofNullable(byLayer.get(layer.name()));
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
    private final IdentityHashMap<Tensor, Gram> seen = new IdentityHashMap<>();
    private final Kernels kernels;
    private final ComputePool pool;

    OneBatch(Kernels kernels, ComputePool pool) {
      this.kernels = kernels;
      this.pool = pool;
    }

    void add(Linear layer, Tensor x) {
      Gram shared = seen.get(x);
      if (shared != null) {
        byLayer.putIfAbsent(layer.name(), shared);
        return;
      }
      Gram own = byLayer.computeIfAbsent(layer.name(), _ -> new Gram(layer.in()));
      own.add(x, kernels, pool);
      seen.put(x, own);
    }
  }
}
