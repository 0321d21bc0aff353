package dev.hone.compress.search;

import dev.hone.compress.Progress;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Tells how far a search has come. Kinds of steps weigh as much as they were seen to take relative
 * to each other; the time left follows from the time that the weight done so far took.
 */
final class Steps {
  private final Consumer<Progress> listener;
  private final long start = System.nanoTime();
  private double total;
  private double done;

  /** A kind of step, with its weight. */
  enum Kind {
    GROUP(1),
    ORIGINAL(10),
    CANDIDATE(20);

    private final double weight;

    Kind(double weight) {
      this.weight = weight;
    }
  }

  Steps(Consumer<Progress> listener) {
    this.listener = listener;
  }

  /** Says how many steps there will be beside the original. */
  void begin(int groups, int candidates) {
    total = groups * Kind.GROUP.weight + Kind.ORIGINAL.weight + candidates * Kind.CANDIDATE.weight;
    listener.accept(new Progress(0, "asking the original", Duration.ZERO));
  }

  /** A step has ended. */
  void done(Kind kind, String what) {
    done = Math.min(total, done + kind.weight);
    double nanos = (System.nanoTime() - start) * (total - done) / done;
    listener.accept(new Progress(done / total, what, Duration.ofNanos((long) nanos)));
  }

  /** All is done. */
  void end() {
    done = total;
    listener.accept(new Progress(1, "done", Duration.ZERO));
  }
}
