package dev.hone.tensor.kernel.vector;

import java.util.ArrayDeque;

/**
 * Arrays of one task, lent for its time and kept for the next: no kernel allocates while it runs.
 */
final class Scratch {
  float[] a = new float[0];
  float[] b = new float[0];
  float[] c = new float[0];
  float[] d = new float[0];
  float[] e = new float[0];

  static float[] atLeast(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }

  /** As many as tasks have ever run at a time. */
  static final class Shelf {
    private final ArrayDeque<Scratch> free = new ArrayDeque<>();

    synchronized Scratch take() {
      return free.isEmpty() ? new Scratch() : free.pop();
    }

    synchronized void putBack(Scratch scratch) {
      free.push(scratch);
    }
  }
}
