package dev.hone.runtime;

import dev.hone.model.folder.Model;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import dev.hone.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/** A model with its tokenizer, and what it computes with; it owns all of them. */
public record LoadedModel(Model model, Tokenizer tokenizer, Kernels kernels, ComputePool pool)
    implements AutoCloseable {

  /**
   * Loads a model.
   *
   * @param source a folder, or a file in one
   * @param threads threads that compute, the caller's among them
   * @param tier the fastest that this CPU has where nothing is asked
   * @param onWarning told of what makes the kernels slower than they could be
   */
  public static LoadedModel load(
      Path source, int threads, Optional<KernelTier> tier, Consumer<String> onWarning) {
    KernelTier.Selection selection = KernelTier.select(tier);
    selection.warnings().forEach(onWarning);
    var owned = new ArrayList<AutoCloseable>();
    try {
      Model model = Model.load(source);
      owned.add(model);
      Tokenizer tokenizer = ModelTokenizer.load(model);
      owned.add(tokenizer);
      checkVocabulary(model, tokenizer);
      ComputePool pool = new ComputePool(threads);
      owned.add(pool);
      return new LoadedModel(model, tokenizer, selection.tier().create(pool), pool);
    } catch (RuntimeException | Error e) {
      closeAfter(e, owned);
      throw e;
    }
  }

  /** A larger vocabulary than the model's would fail at the first text that uses it. */
  private static void checkVocabulary(Model model, Tokenizer tokenizer) {
    int rows = model.transformer().embeddings().word().entries();
    if (tokenizer.largestId() >= rows) {
      throw new FormatException(
          "tokenizer and model do not belong together: folder="
              + model.encoderFolder()
              + ", largest token id="
              + tokenizer.largestId()
              + ", rows of the word embeddings="
              + rows);
    }
  }

  /** Makes what runs it and will close it; where that fails, it is closed here. */
  public <T> T handOver(Function<LoadedModel, T> maker) {
    try {
      return maker.apply(this);
    } catch (RuntimeException | Error e) {
      closeAfter(e, List.of(model, tokenizer, pool));
      throw e;
    }
  }

  private static void closeAfter(Throwable failure, List<? extends AutoCloseable> owned) {
    try {
      closeAll(owned);
    } catch (IllegalStateException suppressed) {
      failure.addSuppressed(suppressed);
    }
  }

  @Override
  public void close() {
    closeAll(List.of(model, tokenizer, pool));
  }

  /** Closes all, the last first, also after one that cannot be. */
  private static void closeAll(List<? extends AutoCloseable> owned) {
    IllegalStateException failure = null;
    for (AutoCloseable one : owned.reversed()) {
      try {
        one.close();
      } catch (Exception e) {
        var next = new IllegalStateException("closing " + one, e);
        if (failure == null) {
          failure = next;
        } else {
          failure.addSuppressed(next);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
