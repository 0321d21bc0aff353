package dev.hone.compress.prune;

import dev.hone.compress.calibrate.Gram;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.util.Arrays;
import java.util.Locale;

/** What says how much heads and neurons matter. */
public enum Importance {
  /** The length of all weights that make a unit or read it. Looks at no text. */
  NORM {
    @Override
    Order order(Part part, Gram gram, double damping, ComputePool pool) {
      double[] squares = new double[part.units()];
      float[] reader = Layouts.floats(part.reader().weight().tensor());
      for (int i = 0; i < reader.length; i++) {
        squares[i % part.reader().in() / part.width()] += (double) reader[i] * reader[i];
      }
      for (Part.Maker maker : part.makers()) {
        float[] rows = Layouts.floats(maker.layer().weight().tensor());
        int cols = maker.layer().in();
        for (int u = 0; u < squares.length; u++) {
          for (int row : maker.rows().of(new int[] {u})) {
            for (int c = 0; c < cols; c++) {
              squares[u] += (double) rows[row * cols + c] * rows[row * cols + c];
            }
          }
        }
      }
      return Order.of(Arrays.stream(squares).map(Math::sqrt).toArray());
    }
  },
  /** The power of what a unit adds to the part's answers, its mean left out. */
  ACTIVATION {
    @Override
    Order order(Part part, Gram gram, double damping, ComputePool pool) {
      return Order.of(new Reconstruction(part, gram, damping, pool).powers());
    }
  },
  /**
   * The squared error of the part's answers that is left when the units that stay make good for it
   * as well as they can: one unit after the other, each knowing those before it. Kurtic et al.,
   * "ZipLM: Inference-Aware Structured Pruning of Language Models", section 3.1.
   */
  RECONSTRUCTION {
    @Override
    Order order(Part part, Gram gram, double damping, ComputePool pool) {
      return new Reconstruction(part, gram, damping, pool).order();
    }
  };

  /** What recipes and commands call it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether it must be shown what layers read. */
  boolean calibrated() {
    return this != NORM;
  }

  /**
   * The units of a part.
   *
   * @param gram what the part's reader reads, where this is calibrated
   */
  abstract Order order(Part part, Gram gram, double damping, ComputePool pool);

  /**
   * The one of that name.
   *
   * @throws IllegalArgumentException where there is none
   */
  public static Importance of(String label) {
    return Arrays.stream(values())
        .filter(i -> i.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "unknown importance "
                        + label
                        + ": one of "
                        + String.join(
                            ", ", Arrays.stream(values()).map(Importance::label).toList())));
  }
}
