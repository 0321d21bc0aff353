package dev.hone.model.cost;

/** A matrix of activations that is counted and never made. */
public record Shape(long rows, long cols) {

  public long size() {
    return Math.multiplyExact(rows, cols);
  }

  /** In F32. */
  public long bytes() {
    return Math.multiplyExact(size(), Float.BYTES);
  }
}
