package dev.hone.runtime;

import java.util.Locale;

/**
 * Layers of one shape of which many weights are zero, and whether products that leave zeros out
 * were measured to be faster here than dense ones: where they were, by a tenth, they are used.
 *
 * @param zeros the share of weights that are zero, to a twentieth
 * @param rows that were multiplied
 * @param denseMillis of one product with each of the layers; null: not measured
 * @param sparseMillis null: these kernels have no such product
 * @param denseBytes that dense products read
 * @param sparseBytes that sparse products read; 0: there are none
 */
public record SparseProducts(
    String type,
    long out,
    long in,
    double zeros,
    int layers,
    int rows,
    Double denseMillis,
    Double sparseMillis,
    long denseBytes,
    long sparseBytes) {

  /**
   * By how much sparse products must be faster: more than one measurement differs from the next.
   */
  static final double LEAST_GAIN = 1.1;

  /** Whether zeros are left out. */
  public boolean used() {
    return sparseMillis != null && denseMillis >= LEAST_GAIN * sparseMillis;
  }

  /** A line for a reader. */
  public String text() {
    String layers = this.layers + (this.layers == 1 ? " layer " : " layers ");
    String what =
        String.format(
            Locale.ROOT, "%s%s [%d, %d], %.0f %% zeros: ", layers, type, out, in, 100 * zeros);
    if (sparseMillis == null) {
      return what + "no sparse product on these kernels and this processor, dense is used";
    }
    return what
        + String.format(
            Locale.ROOT,
            "sparse %.2fx of dense at %d %s, %s is used, %.0f MB instead of %.0f",
            denseMillis / sparseMillis,
            rows,
            rows == 1 ? "row" : "rows",
            used() ? "sparse" : "dense",
            (used() ? sparseBytes : denseBytes) / 1e6,
            (used() ? denseBytes : sparseBytes) / 1e6);
  }
}
