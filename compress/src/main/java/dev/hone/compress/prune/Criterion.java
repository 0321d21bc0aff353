package dev.hone.compress.prune;

import dev.hone.compress.prune.Sparsity.Scope;
import java.util.Arrays;
import java.util.Locale;

/** What says how much a single weight matters. */
public enum Criterion {
  /** Its magnitude. Looks at no text. */
  MAGNITUDE(Scope.LAYER),
  /**
   * Its magnitude times the length of the input column that it is multiplied with: Sun et al., "A
   * Simple and Effective Pruning Approach for Large Language Models", section 3.
   */
  WANDA(Scope.ROW),
  /** {@link SparseGpt}: weights that stay make good for those that go. */
  SPARSEGPT(Scope.LAYER);

  private final Scope usual;

  Criterion(Scope usual) {
    this.usual = usual;
  }

  /** What recipes and commands call it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Which weights compete where nothing else is asked. */
  public Scope usualScope() {
    return usual;
  }

  /** Whether it must be shown what layers read. */
  boolean calibrated() {
    return this != MAGNITUDE;
  }

  /**
   * The one of that name.
   *
   * @throws IllegalArgumentException where there is none
   */
  public static Criterion of(String label) {
    return Arrays.stream(values())
        .filter(c -> c.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "unknown criterion "
                        + label
                        + ": one of "
                        + String.join(
                            ", ", Arrays.stream(values()).map(Criterion::label).toList())));
  }
}
