package dev.hone.tensor.parallel;

import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;

/**
 * A fixed number of named platform threads that compute, the caller among them. One call runs at a
 * time; others wait for it, so that no more threads compute than were asked for.
 *
 * <p>A worker that runs out of work spins for {@value #SPIN_NANOS} ns before it parks: a model's
 * layers follow each other within microseconds, and waking a thread takes longer than a small
 * layer.
 */
public final class ComputePool implements AutoCloseable {
  private static final long SPIN_NANOS = 50_000;

  private final Worker[] workers;
  private final ReentrantLock turn = new ReentrantLock();
  private volatile Job job;
  private volatile boolean closed;

  /**
   * @param threads how many compute, the caller of {@link #run} included
   */
  public ComputePool(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads=" + threads + ": at least 1");
    }
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker("hone-compute-" + (i + 1));
      workers[i].start();
    }
  }

  public int threads() {
    return workers.length + 1;
  }

  /**
   * Runs {@code task} for 0 to {@code tasks - 1}, in any order, and returns when all have ended.
   * When one throws, those that have not started are left out and the exception comes out here.
   * Called from inside a task, it runs on that thread alone. What the task holds stays within reach
   * until it returns.
   */
  public void run(int tasks, IntConsumer task) {
    try {
      if (insideTask()) {
        runHere(tasks, task);
      } else {
        runInTurn(tasks, task);
      }
    } finally {
      Reference.reachabilityFence(task);
    }
  }

  private void runInTurn(int tasks, IntConsumer task) {
    turn.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the compute pool is closed");
      }
      if (workers.length == 0 || tasks <= 1) {
        runHere(tasks, task);
      } else {
        runShared(new Job(tasks, task, Thread.currentThread()));
      }
    } finally {
      turn.unlock();
    }
  }

  private boolean insideTask() {
    return turn.isHeldByCurrentThread()
        || Thread.currentThread() instanceof Worker worker && worker.pool() == this;
  }

  private static void runHere(int tasks, IntConsumer task) {
    for (int i = 0; i < tasks; i++) {
      task.accept(i);
    }
  }

  private void runShared(Job mine) {
    job = mine;
    for (int i = 0; i < Math.min(workers.length, mine.tasks - 1); i++) {
      workers[i].wake();
    }
    mine.work();
    mine.awaitEnd();
    job = null;
    mine.task = null; // a parked worker may hold the job, and the task holds tensors
    mine.rethrow();
  }

  /** Ends the threads after the call that runs. */
  @Override
  public void close() {
    turn.lock();
    try {
      closed = true;
    } finally {
      turn.unlock();
    }
    for (Worker worker : workers) {
      LockSupport.unpark(worker);
    }
    for (Worker worker : workers) {
      boolean interrupted = false;
      while (worker.isAlive()) {
        try {
          worker.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * One call of {@link #run}: a new object each, so that a worker that wakes late finds it used up.
   */
  private static final class Job {
    private final int tasks;
    private IntConsumer task; // read by who takes one of its tasks only, so before all have ended
    private final Thread caller;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private volatile boolean callerParks;
    private volatile Throwable failure;

    Job(int tasks, IntConsumer task, Thread caller) {
      this.tasks = tasks;
      this.task = task;
      this.caller = caller;
    }

    void work() {
      int i;
      while ((i = next.getAndIncrement()) < tasks) {
        try {
          if (failure == null) {
            task.accept(i);
          }
        } catch (Throwable e) {
          failure = e;
        }
        if (ended.incrementAndGet() == tasks && callerParks) {
          LockSupport.unpark(caller);
        }
      }
    }

    void awaitEnd() {
      boolean interrupted = false;
      long start = System.nanoTime();
      while (ended.get() < tasks) {
        if (System.nanoTime() - start < SPIN_NANOS) {
          Thread.onSpinWait();
        } else {
          callerParks = true;
          if (ended.get() < tasks) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted(); // or it would not park again
          }
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }

    void rethrow() {
      switch (failure) {
        case null -> {}
        case RuntimeException e -> throw e;
        case Error e -> throw e;
        case Throwable e -> throw new IllegalStateException(e); // a lambda cannot throw these
      }
    }
  }

  private final class Worker extends Thread {
    private volatile boolean parks;

    Worker(String name) {
      super(name);
      setDaemon(true);
    }

    ComputePool pool() {
      return ComputePool.this;
    }

    void wake() {
      if (parks) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      Job last = null;
      long idleSince = System.nanoTime();
      while (!closed) {
        Job now = job;
        if (now != last) {
          last = now;
          if (now != null) {
            now.work();
            idleSince = System.nanoTime();
          }
        } else if (System.nanoTime() - idleSince < SPIN_NANOS) {
          Thread.onSpinWait();
        } else {
          parks = true;
          if (job == last && !closed) {
            LockSupport.park(ComputePool.this);
          }
          parks = false;
        }
      }
    }
  }
}
