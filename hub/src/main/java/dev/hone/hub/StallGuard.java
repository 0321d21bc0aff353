package dev.hone.hub;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Closes a stream that brings nothing for too long, so that whoever reads it gets an error: the
 * JDK's HTTP client waits for ever once the headers are there.
 */
final class StallGuard implements AutoCloseable {

  private final ScheduledExecutorService watch =
      Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().factory());
  private volatile long lastNanos = System.nanoTime();

  @SuppressWarnings("FutureReturnValueIgnored") // it ends with the guard, and throws nothing
  StallGuard(InputStream stream, Duration limit) {
    long nanos = limit.toNanos();
    watch.scheduleWithFixedDelay(
        () -> closeIfStalled(stream, nanos), nanos, Math.max(1, nanos / 4), TimeUnit.NANOSECONDS);
  }

  void progressed() {
    lastNanos = System.nanoTime();
  }

  @Override
  public void close() {
    watch.shutdownNow();
  }

  private void closeIfStalled(InputStream stream, long limitNanos) {
    if (System.nanoTime() - lastNanos > limitNanos) {
      try {
        stream.close();
      } catch (IOException _) {
        // the reader gets its own
      }
    }
  }
}
