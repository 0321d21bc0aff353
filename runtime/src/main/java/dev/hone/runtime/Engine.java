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
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A model made ready to run on this machine. Calls may come from any thread; one batch runs at a
 * time, on all threads of the kernels' pool.
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

  private final Transformer model;
  private final PackedWeights weights;
  private final SimdOps ops;
  private final ReentrantLock running = new ReentrantLock();
  private long scopeBytesPerToken; // 0: not known before the warm-up
  private Ops<Tensor> watched; // null: nobody watches
  private Ops<Tensor> recorded; // null: none was asked for yet
  private boolean beingRead; // an answer, in memory that the next batch writes to
  private boolean closed;

  /** Packs the model's weights; the model's own memory must live as long as the engine. */
  public Engine(Transformer model, Kernels kernels) {
    this(model, kernels, ActivationType.F32);
  }

  /** The same with products that read their input in a certain way. */
  public Engine(Transformer model, Kernels kernels, ActivationType activations) {
    this(activations.of(model, kernels), kernels, (PackedWeights) null);
  }

  /**
   * An engine of a changed model: what is as in the other's is not packed again.
   *
   * @param other of the same kernels, closed after this
   */
  public Engine(Transformer model, Kernels kernels, Engine other) {
    this(model, kernels, other.weights);
  }

  private Engine(Transformer model, Kernels kernels, PackedWeights others) {
    this.model = model;
    this.weights = new PackedWeights(model, kernels, others);
    this.ops = new SimdOps(kernels, weights);
  }

  public Transformer model() {
    return model;
  }

  /**
   * Runs a few tokens through the first block, over and over for half a second at most: the first
   * batch then finds the JVM's code linked and mostly compiled, and knows how much memory it will
   * take.
   */
  public void warmUp() {
    Head head = model.head() instanceof Head.NextToken ? new Head.HiddenStates() : model.head();
    List<Block> blocks = model.blocks().subList(0, Math.min(1, model.blocks().size()));
    Transformer part = new Transformer(model.embeddings(), blocks, model.norm(), head);
    int tokens = Math.min(WARM_UP_TOKENS, model.embeddings().maxTokens());
    Batch batch = Batch.of(List.of(new int[tokens], new int[tokens]));
    locked(
        () -> {
          long end = System.nanoTime() + WARM_UP_NANOS;
          for (int i = 0; i < WARM_UPS && (i == 0 || System.nanoTime() < end); i++) {
            Forward.run(part, batch, ops);
          }
          scopeBytesPerToken = ops.scopeBytes() / batch.tokens();
          return null;
        });
  }

  /** What the model's head answers, a row of floats for each of its vectors. */
  public float[][] run(Batch batch) {
    return rows(() -> Forward.run(model, batch, ops(batch)));
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
    return rows(() -> Forward.next(model, head, batch, cache, ops(batch)));
  }

  /** What the model's head answers to a batch that goes on behind what the cache has of it. */
  public float[][] run(Batch batch, KeyValueCache cache) {
    return rows(() -> Forward.run(model, batch, cache, ops(batch)));
  }

  /**
   * What the model's head answers to a batch, handed on where it stands.
   *
   * @param then reads the answer, which is gone when it returns; it runs nothing on this engine
   */
  public void run(Batch batch, KeyValueCache cache, Consumer<Tensor> then) {
    locked(
        () -> {
          Tensor answer = Forward.run(model, batch, cache, ops(batch));
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
    return rows(() -> Forward.hidden(model, batch, ops(batch)));
  }

  /**
   * Runs work that runs batches, on this thread, and tells of every operation. Flight recordings
   * get none of them.
   */
  public void watched(OperationWatch by, Runnable work) {
    locked(
        () -> {
          watched = new WatchedOps(model, ops, weights, by);
          try {
            work.run();
          } finally {
            watched = null;
          }
          return null;
        });
  }

  /** Those of one batch: told of where someone watches or records, else the plain ones. */
  private Ops<Tensor> ops(Batch batch) {
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

  /** Bytes of packed weights and, at most so far, activations: beside the model's own. */
  public long sizeBytes() {
    return weights.sizeBytes() + ops.sizeBytes();
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
        ops.close();
        weights.close();
      }
    } finally {
      running.unlock();
    }
  }
}
