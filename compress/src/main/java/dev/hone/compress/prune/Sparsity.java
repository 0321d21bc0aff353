package dev.hone.compress.prune;

import dev.hone.compress.RecipeException;
import java.util.Arrays;
import java.util.Locale;

/** Which places of matrices become zero. */
public sealed interface Sparsity {

  /** Weights that compete for staying. */
  enum Scope {
    /** Those of one output. */
    ROW,
    /** Those of one matrix. */
    LAYER,
    /** Those of all chosen matrices. */
    GLOBAL;

    /** What recipes and commands call it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The one of that name.
     *
     * @throws IllegalArgumentException where there is none
     */
    public static Scope of(String label) {
      return Arrays.stream(values())
          .filter(s -> s.label().equals(label))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "unknown scope " + label + ": one of row, layer, global"));
    }
  }

  /** Those that matter least, wherever they stand. */
  record Unstructured(Amount amount, Scope scope) implements Sparsity {}

  /**
   * All but {@code kept} of each {@code of} that stand side by side in a row: 2:4 is what sparse
   * tensor cores take. Mishra et al., "Accelerating Sparse Deep Neural Networks", section 3.
   */
  record Pattern(int kept, int of) implements Sparsity {
    private static final int MOST = 64;
    private static final String FORM = "\\d{1,3}:\\d{1,3}";

    /**
     * Reads {@code 2:4}.
     *
     * @throws IllegalArgumentException where it is no such thing
     */
    public static Pattern of(String text) {
      if (!text.matches(FORM)) {
        throw new IllegalArgumentException("'" + text + "' is no pattern such as 2:4");
      }
      String[] parts = text.split(":", -1);
      return new Pattern(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
    }

    public Pattern {
      if (kept < 1 || of <= kept || of > MOST) {
        throw new IllegalArgumentException(
            kept
                + ":"
                + of
                + ": kept weights must be at least 1 and fewer than the "
                + of
                + " they are of, which are at most "
                + MOST);
      }
    }

    /** Refuses rows that are no whole number of groups. */
    void check(String layer, int cols) {
      if (cols % of != 0) {
        throw new RecipeException(
            layer + " has rows of " + cols + " columns: " + label() + " needs a multiple of " + of);
      }
    }
  }

  /**
   * Reads a pattern as {@code 2:4}, else an {@link Amount}.
   *
   * @param scope of what is no pattern
   * @throws IllegalArgumentException where it is neither
   */
  static Sparsity of(String text, Scope scope) {
    return text.matches(Pattern.FORM) ? Pattern.of(text) : new Unstructured(Amount.of(text), scope);
  }

  /** As {@link #of} reads it. */
  default String label() {
    return switch (this) {
      case Unstructured some -> some.amount.label();
      case Pattern pattern -> pattern.kept + ":" + pattern.of;
    };
  }
}
