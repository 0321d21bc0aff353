package dev.hone.tensor.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class ComputePoolTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void runsEveryTaskOnce(int threads) {
    try (ComputePool pool = new ComputePool(threads)) {
      assertThat(pool.threads()).isEqualTo(threads);
      for (int round = 0; round < 500; round++) {
        int tasks = round % 37;
        AtomicIntegerArray runs = new AtomicIntegerArray(37);
        pool.run(tasks, runs::incrementAndGet);
        for (int i = 0; i < 37; i++) {
          assertThat(runs.get(i)).as("task %d of %d", i, tasks).isEqualTo(i < tasks ? 1 : 0);
        }
      }
    }
  }

  @Test
  void computesOnTheCallerAndItsNamedThreads() throws Exception {
    Set<String> names = ConcurrentHashMap.newKeySet();
    try (ComputePool pool = new ComputePool(3)) {
      CountDownLatch together = new CountDownLatch(3); // opens only if three threads take part
      pool.run(
          3,
          i -> {
            names.add(Thread.currentThread().getName());
            together.countDown();
            await(together);
          });
    }
    assertThat(names)
        .containsExactlyInAnyOrder(
            Thread.currentThread().getName(), "hone-compute-1", "hone-compute-2");
  }

  @Test
  void wakesWorkersThatHaveParked() throws Exception {
    try (ComputePool pool = new ComputePool(2)) {
      for (int round = 0; round < 20; round++) {
        Thread.sleep(2);
        CountDownLatch together = new CountDownLatch(2);
        pool.run(
            2,
            i -> {
              together.countDown();
              await(together);
            });
      }
    }
  }

  @Test
  void runsANestedCallOnTheSameThread() {
    try (ComputePool pool = new ComputePool(2)) {
      AtomicInteger sum = new AtomicInteger();
      pool.run(
          8,
          i -> {
            Thread outer = Thread.currentThread();
            pool.run(
                8,
                j -> {
                  assertThat(Thread.currentThread()).isSameAs(outer);
                  sum.addAndGet(j);
                });
          });
      assertThat(sum).hasValue(8 * 28);
    }
  }

  @Test
  void handsAnExceptionToTheCallerAndGoesOn() {
    try (ComputePool pool = new ComputePool(2)) {
      for (int bad = 0; bad < 10; bad++) {
        int culprit = bad;
        assertThatThrownBy(
                () ->
                    pool.run(
                        10,
                        i -> {
                          if (i == culprit) {
                            throw new IllegalArgumentException("task " + i);
                          }
                        }))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("task " + culprit);
      }
      AtomicInteger runs = new AtomicInteger();
      pool.run(10, i -> runs.incrementAndGet());
      assertThat(runs).hasValue(10);
    }
  }

  @Test
  void letsOneCallComputeAtATime() throws Exception {
    try (ComputePool pool = new ComputePool(2)) {
      AtomicInteger computing = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      Thread[] callers = new Thread[4];
      for (int c = 0; c < callers.length; c++) {
        callers[c] =
            Thread.startVirtualThread(
                () -> {
                  for (int round = 0; round < 50; round++) {
                    pool.run(
                        1 + round % 5,
                        i -> {
                          most.accumulateAndGet(computing.incrementAndGet(), Math::max);
                          Thread.onSpinWait();
                          computing.decrementAndGet();
                        });
                  }
                });
      }
      for (Thread caller : callers) {
        caller.join();
      }
      assertThat(most.get()).isBetween(1, 2);
    }
  }

  @Test
  void aParkedWorkerKeepsNothingOfAJobThatHasEnded() throws Exception {
    try (ComputePool pool = new ComputePool(2)) {
      var tensor = new WeakReference<>(runWhileTheWorkerParks(pool));
      while (tensor.get() != null) { // the class's time limit ends it
        System.gc();
        Thread.sleep(5);
      }
    }
  }

  /** The worker's task ends at once, the caller's long after the worker has parked. */
  private static Object runWhileTheWorkerParks(ComputePool pool) {
    Object tensor = new Object();
    Thread caller = Thread.currentThread();
    CountDownLatch together = new CountDownLatch(2);
    pool.run(
        2,
        i -> {
          assertThat(tensor).isNotNull();
          together.countDown();
          await(together);
          if (Thread.currentThread().equals(caller)) {
            LockSupport.parkNanos(50_000_000);
          }
        });
    return tensor;
  }

  @Test
  void anInterruptedCallerWaitsWithoutSpinningAndStaysInterrupted() {
    try (ComputePool pool = new ComputePool(2)) {
      Thread caller = Thread.currentThread();
      AtomicBoolean begun = new AtomicBoolean();
      var threads = ManagementFactory.getThreadMXBean();
      caller.interrupt();
      long cpu = threads.getCurrentThreadCpuTime();
      pool.run(
          2,
          i -> {
            if (!Thread.currentThread().equals(caller)) {
              begun.set(true);
              LockSupport.parkNanos(500_000_000);
            }
            while (!begun.get()) {
              Thread.onSpinWait();
            }
          });
      assertThat(threads.getCurrentThreadCpuTime() - cpu).isLessThan(250_000_000);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void refusesWorkAfterClose() {
    ComputePool pool = new ComputePool(2);
    pool.close();
    assertThatThrownBy(() -> pool.run(2, i -> {})).hasMessage("the compute pool is closed");
    assertThatThrownBy(() -> new ComputePool(0)).hasMessageContaining("threads=0");
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
