package dev.hone.compress.calibrate;

import dev.hone.compress.ModelChecksum;
import dev.hone.compress.Pass;
import dev.hone.compress.Progress;
import dev.hone.model.Batch;
import dev.hone.model.Transformer;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * The texts that a pass may look at, and what runs them.
 *
 * @param batches tokens as the model reads them, packed: texts of unequal length are the normal
 *     case
 * @param progress told of every step
 * @param notes told what else is worth knowing of what is made, in sentences
 * @param journal folder that finished blocks are kept in, so that a run that was stopped goes on
 *     behind them; empty: nothing is kept
 */
public record Calibration(
    List<Batch> batches,
    Kernels kernels,
    ComputePool pool,
    Consumer<Progress> progress,
    Consumer<String> notes,
    Optional<Path> journal) {

  /** For passes that look at nothing. */
  public static final Calibration NONE =
      new Calibration(List.of(), null, null, _ -> {}, _ -> {}, Optional.empty());

  public Calibration {
    batches = List.copyOf(batches);
  }

  /** Tokens of all texts. */
  public long tokens() {
    return batches.stream().mapToLong(Batch::tokens).sum();
  }

  /** The same for one of several passes: each has a journal of its own. */
  public Calibration ofPass(int index) {
    return new Calibration(
        batches,
        kernels,
        pool,
        progress,
        notes,
        journal.map(folder -> folder.resolve("pass-" + index)));
  }

  /**
   * Says what a pass makes of what: the pass, the tokens, every weight's bytes, and how layers read
   * their inputs.
   */
  public String key(Pass pass, Transformer model) {
    var sum = new CRC32C();
    for (Batch batch : batches) {
      for (int[] ids : List.of(batch.ids(), batch.types(), batch.offsets())) {
        sum.update(MemorySegment.ofArray(ids).toArray(ValueLayout.JAVA_BYTE));
      }
    }
    ModelChecksum.add(sum, model);
    return pass + "\n" + Long.toHexString(sum.getValue()) + "\n" + kernels.name() + "\n";
  }
}
