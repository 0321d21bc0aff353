package dev.hone.runtime;

import dev.hone.model.Batch;
import dev.hone.model.Forward;
import dev.hone.model.Head;
import dev.hone.model.KeyValueCache;
import dev.hone.model.Transformer;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A model made ready to run on this machine. Calls may come from any thread; one batch runs at a
 * time, on all threads of the kernels' pool.
 */
public final class Engine implements AutoCloseable {
  private final Transformer model;
  private final PackedWeights weights;
  private final SimdOps ops;
  private final ReentrantLock running = new ReentrantLock();
  private boolean closed;

  /** Packs the model's weights; the model's own memory must live as long as the engine. */
  public Engine(Transformer model, Kernels kernels) {
    this.model = model;
    this.weights = new PackedWeights(model, kernels);
    this.ops = new SimdOps(kernels, weights);
  }

  public Transformer model() {
    return model;
  }

  /** What the model's head answers, a row of floats for each of its vectors. */
  public float[][] run(Batch batch) {
    return locked(() -> Forward.run(model, batch, ops));
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
    return locked(() -> Forward.next(model, head, batch, cache, ops));
  }

  /** What the model's head answers to a batch that goes on behind what the cache has of it. */
  public float[][] run(Batch batch, KeyValueCache cache) {
    return locked(() -> Forward.run(model, batch, cache, ops));
  }

  /** The last hidden states, a row a token. */
  public float[][] hidden(Batch batch) {
    return locked(() -> Forward.hidden(model, batch, ops));
  }

  /** Bytes of packed weights and, at most so far, activations: beside the model's own. */
  public long sizeBytes() {
    return weights.sizeBytes() + ops.sizeBytes();
  }

  private float[][] locked(java.util.function.Supplier<Tensor> work) {
    running.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the encoder is closed");
      }
      return rows(work.get());
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
