package dev.hone.measure;

/** A matrix of activations that is counted and never made. */
record Shape(long rows, long cols) {

  long size() {
    return Math.multiplyExact(rows, cols);
  }

  long bytes() {
    return Math.multiplyExact(size(), Float.BYTES);
  }
}
