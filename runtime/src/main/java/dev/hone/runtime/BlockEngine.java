package dev.hone.runtime;

import dev.hone.model.Batch;
import dev.hone.model.Block;
import dev.hone.model.Forward;
import dev.hone.model.Head;
import dev.hone.model.Linear;
import dev.hone.model.Observed;
import dev.hone.model.Transformer;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * One block of a model made ready to run by itself, so that a model is gone through in the memory
 * of a block. For one thread at a time.
 */
public final class BlockEngine implements AutoCloseable {
  private final Transformer model;
  private final PackedWeights weights;
  private final SimdOps ops;

  private BlockEngine(Transformer part, Kernels kernels) {
    this.model = part;
    this.weights = new PackedWeights(part, kernels);
    this.ops = new SimdOps(kernels, weights);
  }

  /** Runs what stands before a model's first block. */
  public static BlockEngine embeddings(Transformer model, Kernels kernels) {
    return new BlockEngine(model.with(List.of()).with(new Head.HiddenStates()), kernels);
  }

  /**
   * Packs one block.
   *
   * @param block of the model, or made from one of its blocks
   */
  public static BlockEngine of(Transformer model, Block block, Kernels kernels) {
    return new BlockEngine(model.with(List.of(block)).with(new Head.HiddenStates()), kernels);
  }

  /** Runs what stands behind a model's last block. */
  public static BlockEngine answers(Transformer model, Kernels kernels) {
    return new BlockEngine(model.with(List.of()), kernels);
  }

  /** What the first block reads: [token, hidden], until the next call. */
  public Tensor embeddings(Batch batch) {
    return Forward.embeddings(model, batch, ops);
  }

  /**
   * What the block makes of hidden states: [token, hidden], until the next call.
   *
   * @param x [token, hidden] of the whole batch
   */
  public Tensor run(Tensor x, Batch batch) {
    return Forward.block(model.blocks().getFirst(), x, batch, ops);
  }

  /**
   * The same, shown to an observer.
   *
   * @param observer told of each linear layer and its input [token, in], which is gone when it
   *     returns
   */
  public Tensor run(Tensor x, Batch batch, BiConsumer<Linear, Tensor> observer) {
    return Forward.block(model.blocks().getFirst(), x, batch, new Observed<>(ops, observer));
  }

  /**
   * What the model answers to the hidden states behind its last block, until the next call.
   *
   * @param x [token, hidden] of the whole batch
   */
  public Tensor answers(Tensor x, Batch batch) {
    return Forward.answer(model, x, batch, ops);
  }

  @Override
  public void close() {
    ops.close();
    weights.close();
  }
}
