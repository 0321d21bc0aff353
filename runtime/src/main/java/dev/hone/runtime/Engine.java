package dev.hone.runtime;

import dev.hone.model.Batch;
import dev.hone.model.Block;
import dev.hone.model.Forward;
import dev.hone.model.Head;
import dev.hone.model.KeyValueCache;
import dev.hone.model.Ops;
import dev.hone.model.Transformer;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A model made ready to run on this machine. Calls may come from any thread; one batch runs at a
 * time, on all threads of the kernels' pool: of a long batch each takes some of the sequences, on a
 * short one all work together.
 */
public final class Engine implements AutoCloseable {
  /** Passes after which the JVM has compiled, or begun to compile, what runs often. */
  private static final int WARM_UPS = 24;

  /** Of two sequences. */
  private static final int WARM_UP_TOKENS = 8;

  /**
   * After which no further pass is begun, however few there were: of a large model, or at first.
   */
  private static final long WARM_UP_NANOS = 500_000_000;

  /** Of an encoder's usual text. */
  private static final int TEXT_TOKENS = 128;

  private final Transformer model;
  private final PackedWeights weights;
  private final ComputePool pool;

  /** All threads on every operation. */
  private final Lane together;

  /** A thread each. */
  private final List<Lane> alone;

  private final ReentrantLock running = new ReentrantLock();
  private long scopeBytesPerToken; // 0: not known before the warm-up
  private boolean beingRead; // an answer, in memory that the next batch writes to
  private boolean closed;

  /** Packs the model's weights; the model's own memory must live as long as the engine. */
  public Engine(Transformer model, Kernels kernels) {
    this(model, kernels, ActivationType.F32);
  }

  /** The same with products that read their input in a certain way. */
  public Engine(Transformer model, Kernels kernels, ActivationType activations) {
    this(activations.of(model, kernels), kernels, null, 0);
  }

  /**
   * The same for a model's usual work, the next token or a text: weights that are zero are left out
   * where that is measured to be faster here ({@link #sparseProducts}), and sums are then rounded
   * otherwise.
   */
  public static Engine measured(Transformer model, Kernels kernels, ActivationType activations) {
    Transformer read = activations.of(model, kernels);
    int rows = model.head() instanceof Head.NextToken ? 1 : TEXT_TOKENS;
    return new Engine(read, kernels, null, rows);
  }

  /**
   * An engine of a changed model: what is as in the other's is not packed again.
   *
   * @param other of the same kernels, closed after this
   */
  public Engine(Transformer model, Kernels kernels, Engine other) {
    this(model, kernels, ActivationType.F32, other);
  }

  /** The same with products that read their input in a certain way. */
  public Engine(Transformer model, Kernels kernels, ActivationType activations, Engine other) {
    this(activations.of(model, kernels), kernels, other.weights, 0);
  }

  private Engine(Transformer model, Kernels kernels, PackedWeights others, int rows) {
    this.model = model;
    this.weights = new PackedWeights(model, kernels, others, rows);
    this.pool = kernels.pool();
    this.together = new Lane(kernels);
    this.alone = Stream.generate(() -> new Lane(kernels.alone())).limit(pool.threads()).toList();
  }

  public Transformer model() {
    return model;
  }

  /**
   * Runs a few tokens through the first block, over and over for half a second at most: the first
   * batch then finds the JVM's code linked and mostly compiled, and knows how much memory it will
   * take.
   *
   * @param enough asked after each pass, whether no more are wanted
   */
  public void warmUp(BooleanSupplier enough) {
    Head head = model.head() instanceof Head.NextToken ? new Head.HiddenStates() : model.head();
    List<Block> blocks = model.blocks().subList(0, Math.min(1, model.blocks().size()));
    Transformer part = new Transformer(model.embeddings(), blocks, model.norm(), head);
    int tokens = Math.min(WARM_UP_TOKENS, model.embeddings().maxTokens());
    Batch batch = Batch.of(List.of(new int[tokens], new int[tokens]));
    locked(
        () -> {
          long end = System.nanoTime() + WARM_UP_NANOS;
          int passes = 0;
          do {
            Forward.run(part, batch, together.ops);
            passes++;
          } while (passes < WARM_UPS && System.nanoTime() < end && !enough.getAsBoolean());
          scopeBytesPerToken = together.ops.scopeBytes() / batch.tokens();
          return null;
        });
  }

  /** What the model's head answers, a row of floats for each of its vectors. */
  public float[][] run(Batch batch) {
    return rows(batch, (part, ops) -> Forward.run(model, part, ops));
  }

  /**
   * Logits of the token that comes after every sequence of a batch, which goes on behind what the
   * cache has of it.
   *
   * @throws UnsupportedByModelException if the model has no head for it
   */
  public float[][] next(Batch batch, KeyValueCache cache) {
    if (!(model.head() instanceof Head.NextToken head)) {
      throw new UnsupportedByModelException(
          "the model cannot say which token comes next: its head is "
              + model.head().getClass().getSimpleName());
    }
    return rows(() -> Forward.next(model, head, batch, cache, together.ops(batch)));
  }

  /** What the model's head answers to a batch that goes on behind what the cache has of it. */
  public float[][] run(Batch batch, KeyValueCache cache) {
    return rows(() -> Forward.run(model, batch, cache, together.ops(batch)));
  }

  /**
   * What the model's head answers to a batch, handed on where it stands.
   *
   * @param then reads the answer, which is gone when it returns; it runs nothing on this engine
   */
  public void run(Batch batch, KeyValueCache cache, Consumer<Tensor> then) {
    locked(
        () -> {
          Tensor answer = Forward.run(model, batch, cache, together.ops(batch));
          beingRead = true;
          try {
            then.accept(answer);
          } finally {
            beingRead = false;
          }
          return null;
        });
  }

  /** The last hidden states, a row a token. */
  public float[][] hidden(Batch batch) {
    return rows(batch, (part, ops) -> Forward.hidden(model, part, ops));
  }

  /**
   * Runs work that runs batches, on this thread, and tells of every operation. Flight recordings
   * get none of them.
   */
  public void watched(OperationWatch by, Runnable work) {
    locked(
        () -> {
          together.watch(by);
          alone.forEach(lane -> lane.watch(by.beside(alone.size())));
          try {
            work.run();
          } finally {
            together.watched = null;
            alone.forEach(lane -> lane.watched = null);
          }
          return null;
        });
  }

  /** What was measured of layers that have many zeros; empty where there are none. */
  public List<SparseProducts> sparseProducts() {
    return weights.sparse();
  }

  /** Bytes of packed weights and, at most so far, activations: beside the model's own. */
  public long sizeBytes() {
    long activations = alone.stream().mapToLong(lane -> lane.ops.sizeBytes()).sum();
    return weights.sizeBytes() + together.ops.sizeBytes() + activations;
  }

  /** Makes rows of numbers of a batch, or of some of its sequences. */
  private interface Work {
    Tensor of(Batch batch, Ops<Tensor> ops);
  }

  private float[][] rows(Batch batch, Work work) {
    List<Batch> parts = BatchParts.of(batch, alone.size());
    if (parts.size() == 1) {
      return rows(() -> work.of(batch, together.ops(batch)));
    }
    var answers = new float[parts.size()][][];
    var next = new AtomicInteger();
    locked(
        () -> {
          pool.run(
              alone.size(),
              lane -> {
                for (int i; (i = next.getAndIncrement()) < answers.length; ) {
                  Ops<Tensor> ops = alone.get(lane).ops(parts.get(i));
                  answers[i] = rows(work.of(parts.get(i), ops));
                }
              });
          return null;
        });
    return Stream.of(answers).flatMap(Stream::of).toArray(float[][]::new);
  }

  private float[][] rows(Supplier<Tensor> work) {
    return locked(() -> rows(work.get()));
  }

  private <R> R locked(Supplier<R> work) {
    running.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the encoder is closed");
      }
      return work.get();
    } finally {
      running.unlock();
    }
  }

  private static float[][] rows(Tensor result) {
    float[][] rows = new float[Math.toIntExact(result.rows())][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = result.row(i).toArray(Tensor.FLOAT);
    }
    return rows;
  }

  /** Ends after the batch that runs; later ones are refused. */
  @Override
  public void close() {
    running.lock();
    try {
      if (!closed) {
        closed = true;
        together.ops.close();
        alone.forEach(lane -> lane.ops.close());
        weights.close();
      }
    } finally {
      running.unlock();
    }
  }

  /** Operations on one or on all threads, and who is told of them. */
  private final class Lane {
    private final SimdOps ops;
    private Ops<Tensor> watched; // null: nobody watches
    private Ops<Tensor> recorded; // null: none was asked for yet

    Lane(Kernels kernels) {
      ops = new SimdOps(kernels, weights);
    }

    void watch(OperationWatch by) {
      watched = new WatchedOps(model, ops, weights, by);
    }

    /** Those of one batch: told of where someone watches or records, else the plain ones. */
    Ops<Tensor> ops(Batch batch) {
      if (beingRead) {
        throw new IllegalStateException("a batch runs while the last one's answer is being read");
      }
      ops.reserve(scopeBytesPerToken * batch.tokens());
      if (watched != null) {
        return watched;
      }
      if (!OperationRecorder.wanted()) {
        return ops;
      }
      if (recorded == null) {
        recorded = new WatchedOps(model, ops, weights, new OperationRecorder());
      }
      return recorded;
    }
  }
}
