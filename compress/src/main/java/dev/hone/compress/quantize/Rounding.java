package dev.hone.compress.quantize;

import dev.hone.compress.RecipeFields;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * How weights find their places on a grid, and the grid its own.
 *
 * @param method what is done
 * @param damping of {@link Method#GPTQ}: added to the Hessian's diagonal, as a share of its mean
 * @param activationOrder of {@link Method#GPTQ}: columns with larger inputs go first; grids are
 *     then found beforehand, from the weights as they were
 */
public record Rounding(Method method, double damping, boolean activationOrder) {
  /** Added to the Hessian's diagonal where nothing else is asked: Frantar et al., section 4. */
  public static final double DAMPING = 0.01;

  /** What recipes say of it. */
  public static final Set<String> FIELDS = Set.of("method", "damping", "activation-order");

  /** What is done. */
  public enum Method {
    /** To the nearest number of a grid from the least weight to the largest; looks at no text. */
    RTN,
    /** To the nearest, on grids refitted by least squares, weighted by what the columns read. */
    REFIT,
    /** {@link Gptq} on grids from the least weight to the largest. */
    GPTQ_RANGE,
    /** {@link Gptq} on refitted grids, and {@link Descent} after it. */
    GPTQ;

    /** What recipes and commands call it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether columns make good for each other's rounding. */
    public boolean propagates() {
      return this == GPTQ || this == GPTQ_RANGE;
    }

    /**
     * The one of that name.
     *
     * @throws IllegalArgumentException where there is none
     */
    public static Method of(String label) {
      return Arrays.stream(values())
          .filter(m -> m.label().equals(label))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "unknown method "
                          + label
                          + ": one of "
                          + String.join(
                              ", ", Arrays.stream(values()).map(Method::label).toList())));
    }
  }

  public Rounding {
    if (!(damping >= 0) || damping > 1) {
      throw new IllegalArgumentException("damping=" + damping + ": from 0 to 1");
    }
  }

  /** The rounding that a recipe asks for. */
  public static Rounding read(RecipeFields fields) {
    Rounding usual = of(Method.of(fields.text("method", Method.RTN.label())));
    if (!usual.propagates() && (fields.has("damping") || fields.has("activation-order"))) {
      throw new IllegalArgumentException(
          "damping and activation-order belong to gptq, not to " + usual.method.label());
    }
    return new Rounding(
        usual.method,
        fields.number("damping", usual.damping),
        fields.flag("activation-order", usual.activationOrder));
  }

  /** What a recipe must say of it: what is not as it is where nothing is said. */
  Map<String, Object> fields() {
    Rounding usual = of(method);
    Map<String, Object> fields = new LinkedHashMap<>();
    if (method != Method.RTN) {
      fields.put("method", method.label());
    }
    if (damping != usual.damping) {
      fields.put("damping", damping);
    }
    if (activationOrder != usual.activationOrder) {
      fields.put("activation-order", activationOrder);
    }
    return fields;
  }

  /** A method as it does best. */
  public static Rounding of(Method method) {
    return new Rounding(method, DAMPING, method.propagates());
  }

  /** Whether it must be shown what layers read. */
  boolean calibrated() {
    return method != Method.RTN;
  }

  /** Whether grids are refitted. */
  boolean refits() {
    return method == Method.REFIT || method == Method.GPTQ;
  }

  /** Whether columns make good for each other's rounding. */
  boolean propagates() {
    return method.propagates();
  }
}
