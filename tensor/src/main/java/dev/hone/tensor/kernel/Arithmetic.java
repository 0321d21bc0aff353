package dev.hone.tensor.kernel;

import java.util.Locale;

/** Of what a product multiplies two and adds them up. */
public enum Arithmetic {
  /** Floats, or parts of floats that stand for them. */
  F32,
  /** Floats of 16 bits, added as floats. */
  BF16,
  /** Integers of 8 bits or fewer. */
  INT8;

  /** The name that people read. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
