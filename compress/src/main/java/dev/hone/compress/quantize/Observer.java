package dev.hone.compress.quantize;

import dev.hone.compress.RecipeFields;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * How the range of a static grid is found from the numbers that a layer read.
 *
 * @param percentile of {@link Method#PERCENTILE}: the share of the numbers within the range, in
 *     percent; as many lie outside on one side as on the other
 */
public record Observer(Method method, double percentile) {
  /** What recipes call the method. */
  static final String METHOD = "observer";

  /** What recipes call the share. */
  static final String SHARE = "percentile";

  private static final double PERCENTILE = 99.99;

  /** What is done. */
  public enum Method {
    /** From the least number to the largest. */
    MIN_MAX,
    /**
     * The same of every batch, averaged: each batch moves the average by {@link
     * InputRange#MOVEMENT}. Jacob et al., "Quantization and Training of Neural Networks for
     * Efficient Integer-Arithmetic-Only Inference", section 3.1.
     */
    MOVING_AVERAGE,
    /** All but the outermost numbers. */
    PERCENTILE,
    /**
     * The least squared error of what the layers answer: of their inputs, each column weighted by
     * the squares of its weights.
     */
    MSE,
    /**
     * The least divergence of the rounded numbers' distribution from that of the numbers. Migacz,
     * "8-bit Inference with TensorRT", GPU Technology Conference 2017.
     */
    KL;

    /** What recipes and commands call it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether it looks at the numbers once more when their ends are known. */
    boolean looksTwice() {
      return this != MIN_MAX;
    }
  }

  /** What does best on the models that it was tried on. */
  public static final Observer USUAL = of(Method.MSE);

  public Observer {
    if (!(percentile > 50 && percentile <= 100)) {
      throw new IllegalArgumentException("percentile=" + percentile + ": above 50, at most 100");
    }
  }

  /** A method as it does best. */
  public static Observer of(Method method) {
    return new Observer(method, PERCENTILE);
  }

  /**
   * The one of that name.
   *
   * @throws IllegalArgumentException where there is none
   */
  public static Observer of(String label) {
    return Arrays.stream(Method.values())
        .filter(m -> m.label().equals(label))
        .findFirst()
        .map(Observer::of)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "unknown observer "
                        + label
                        + ": one of "
                        + String.join(
                            ", ", Arrays.stream(Method.values()).map(Method::label).toList())));
  }

  static Observer read(RecipeFields fields) {
    Observer usual = of(fields.text(METHOD, USUAL.method.label()));
    if (fields.has(SHARE) && usual.method != Method.PERCENTILE) {
      throw new IllegalArgumentException(
          "percentile belongs to the observer percentile, not to " + usual.method.label());
    }
    return new Observer(usual.method, fields.number(SHARE, PERCENTILE));
  }

  Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    if (method != USUAL.method) {
      fields.put(METHOD, method.label());
    }
    if (percentile != PERCENTILE) {
      fields.put(SHARE, percentile);
    }
    return fields;
  }

  /** Takes a batch into account, once columns are balanced. */
  void look(InputRange range, Tensor x, ComputePool pool) {
    switch (method) {
      case MIN_MAX -> {}
      case MOVING_AVERAGE -> range.average(x, pool);
      case PERCENTILE, KL -> range.count(x, false, pool);
      case MSE -> range.count(x, true, pool);
    }
  }

  /** The grid of what was seen, for numbers that have been multiplied with the range's factors. */
  StaticInt8 grid(InputRange range) {
    return switch (method) {
      case MIN_MAX -> StaticInt8.of(range.least(), range.most());
      case MOVING_AVERAGE -> StaticInt8.of(range.averageLeast(), range.averageMost());
      case PERCENTILE -> range.histogram().percentile(percentile);
      case MSE -> range.histogram().search(range.histogram()::squaredError);
      case KL -> range.histogram().search(range.histogram()::divergence);
    };
  }
}
