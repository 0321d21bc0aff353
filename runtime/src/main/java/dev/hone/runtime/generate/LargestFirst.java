package dev.hone.runtime.generate;

/**
 * Tokens by their scores, the largest first, of equal ones the smaller id: a heap, since few are
 * asked for of many.
 */
final class LargestFirst {
  private final float[] scores;
  private final int[] heap;
  private int size;

  LargestFirst(float[] scores) {
    this.scores = scores;
    this.heap = new int[scores.length];
    this.size = heap.length;
    for (int i = 0; i < size; i++) {
      heap[i] = i;
    }
    for (int i = size / 2 - 1; i >= 0; i--) {
      sink(i);
    }
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** Takes the first of those left. */
  int take() {
    int first = heap[0];
    heap[0] = heap[--size];
    sink(0);
    return first;
  }

  private void sink(int at) {
    int token = heap[at];
    for (int child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && before(heap[child + 1], heap[child])) {
        child++;
      }
      if (!before(heap[child], token)) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = token;
  }

  private boolean before(int a, int b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  }
}
