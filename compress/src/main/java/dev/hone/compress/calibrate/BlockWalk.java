package dev.hone.compress.calibrate;

import dev.hone.compress.Progress;
import dev.hone.model.Batch;
import dev.hone.model.Block;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.runtime.BlockEngine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Goes through a model block by block: shows what the layers of a block read, lets the block be
 * changed, and feeds what the changed block answers to the next one, as Frantar et al., "GPTQ",
 * section 4 do. Of weights, one block's stand in memory; activations between blocks stand in a
 * mapped file where there is a journal.
 */
public final class BlockWalk {
  private final Calibration calibration;
  private final Predicate<Linear> watched;
  private final Gram.Extent extent;
  private final Set<String> unread = new LinkedHashSet<>();
  private final long start = System.nanoTime();

  /**
   * Prepares a walk.
   *
   * @param watched the layers whose inputs are counted
   * @param extent what is counted of them
   */
  public BlockWalk(Calibration calibration, Predicate<Linear> watched, Gram.Extent extent) {
    this.calibration = calibration;
    this.watched = watched;
    this.extent = extent;
  }

  /** Prepares a walk that counts nothing: for those who look for themselves. */
  public BlockWalk(Calibration calibration) {
    this(calibration, _ -> false, Gram.Extent.DIAGONAL);
  }

  /** Changes a block, knowing what its layers read; new weights stand in the arena. */
  @FunctionalInterface
  public interface Change {
    Block of(Block block, Inputs inputs, Arena arena);
  }

  /** The same, looking at what layers read as often as it likes. */
  @FunctionalInterface
  public interface Look {
    Block of(Block block, Texts texts, Arena arena);
  }

  /** All texts, at the block that they have come to. */
  public final class Texts {
    private final Transformer model;
    private final List<Tensor> states;

    private Texts(Transformer model, List<Tensor> states) {
      this.model = model;
      this.states = states;
    }

    /**
     * Runs all texts through a block.
     *
     * @param observers makes one for each batch: it is told of each linear layer and its input
     *     [token, in], which is gone when it returns
     */
    public void show(Block block, Supplier<BiConsumer<Linear, Tensor>> observers) {
      try (BlockEngine engine = BlockEngine.of(model, block, calibration.kernels())) {
        for (int b = 0; b < states.size(); b++) {
          engine.run(states.get(b), calibration.batches().get(b), observers.get());
        }
      }
    }

    /**
     * Runs all texts through a block.
     *
     * @param observer told of what it reads and what it answers, [token, hidden] each, which are
     *     gone when it returns
     */
    public void run(Block block, BiConsumer<Tensor, Tensor> observer) {
      try (BlockEngine engine = BlockEngine.of(model, block, calibration.kernels())) {
        for (int b = 0; b < states.size(); b++) {
          Tensor x = states.get(b);
          observer.accept(x, engine.run(x, calibration.batches().get(b)));
        }
      }
    }

    /** What the watched layers of a block read. */
    private Inputs inputs(Block block) {
      var inputs = new Inputs(extent);
      show(block, () -> inputs.batch(calibration, watched));
      block.map(
          new LayerMap() {
            @Override
            public Linear linear(Role role, Linear layer) {
              if (watched.test(layer) && inputs.of(layer).isEmpty()) {
                unread(layer);
              }
              return layer;
            }
          });
      return inputs;
    }

    /** A layer whose input was wanted, and which none of the texts came to. */
    public void unread(Linear layer) {
      unread.add(layer.name());
    }
  }

  /**
   * Changes every block.
   *
   * @param journal of the walk; blocks that stand in it are taken from there
   * @param changes one after the other: each knows what the layers of the block read after those
   *     before it
   */
  public Transformer run(Transformer model, Journal journal, Change... changes) {
    return look(
        model,
        journal,
        (block, texts, arena) -> {
          Block next = block;
          for (Change change : changes) {
            next = change.of(next, texts.inputs(next), arena);
          }
          return next;
        });
  }

  /** The same, where a change asks for what it wants to see. */
  public Transformer look(Transformer model, Journal journal, Look look) {
    List<Block> changed = new ArrayList<>();
    try (Arena arena = journal.room()) {
      List<Tensor> states = embeddings(model, arena);
      for (int i = 0; i < model.blocks().size(); i++) {
        Block block = model.blocks().get(i);
        boolean last = i + 1 == model.blocks().size();
        var texts = new Texts(model, states);
        Block next = journal.block(i, block, own -> look.of(block, texts, own));
        changed.add(next);
        System.gc(); // large arrays make the heap grow before they are collected: a block at a time
        if (!last) {
          advance(model, next, states);
        }
        report(i + 1, model.blocks().size());
      }
    }
    if (!unread.isEmpty()) {
      calibration
          .notes()
          .accept(
              unread.size()
                  + " layers ("
                  + unread.iterator().next()
                  + " ...) read nothing of the texts to calibrate with, as experts that no token"
                  + " came to: they were made as without texts; calibrate with more, or others");
    }
    return model.with(changed);
  }

  private List<Tensor> embeddings(Transformer model, Arena arena) {
    List<Tensor> states = new ArrayList<>();
    try (BlockEngine engine = BlockEngine.embeddings(model, calibration.kernels())) {
      for (Batch batch : calibration.batches()) {
        Tensor state = Tensor.allocate(arena, Plain.F32, batch.tokens(), model.hidden());
        state.data().copyFrom(engine.embeddings(batch).data());
        states.add(state);
      }
    }
    return states;
  }

  /** Puts what a block answers in the place of what it read. */
  private void advance(Transformer model, Block block, List<Tensor> states) {
    try (BlockEngine engine = BlockEngine.of(model, block, calibration.kernels())) {
      for (int b = 0; b < states.size(); b++) {
        Tensor state = states.get(b);
        Tensor out = engine.run(state, calibration.batches().get(b));
        MemorySegment.copy(out.data(), 0, state.data(), 0, state.data().byteSize());
      }
    }
  }

  private void report(int done, int of) {
    long each = (System.nanoTime() - start) / done;
    calibration
        .progress()
        .accept(
            new Progress(
                (double) done / of,
                "block " + done + " of " + of,
                Duration.ofNanos(each * (of - done))));
  }
}
