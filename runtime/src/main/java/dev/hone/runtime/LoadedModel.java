package dev.hone.runtime;

import dev.hone.model.Head;
import dev.hone.model.Transformer;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * A model with its tokenizer, made ready to run and warmed up; it owns all of it. Where more than
 * one thread may compute, the tokenizer is made while weights are packed.
 *
 * @param engine of the model, or of what was asked for of it
 */
public record LoadedModel(
    Model model, Tokenizer tokenizer, Kernels kernels, ComputePool pool, Engine engine)
    implements AutoCloseable {

  /**
   * Loads a model.
   *
   * @param source a folder, or a file in one
   * @param threads threads that compute, the caller's among them
   * @param tier the fastest that this CPU has where nothing is asked
   * @param onWarning told of what makes the kernels slower than they could be
   * @param activations what products with quantized weights read
   * @param part what of the model runs
   */
  public static LoadedModel load(
      Path source,
      int threads,
      Optional<KernelTier> tier,
      Consumer<String> onWarning,
      ActivationType activations,
      UnaryOperator<Transformer> part) {
    Executor beside =
        threads > 1
            ? task -> Thread.ofPlatform().daemon().name("hone-load").start(task)
            : Runnable::run;
    var selection = CompletableFuture.supplyAsync(() -> KernelTier.select(tier), beside);
    var owned = new ArrayList<AutoCloseable>();
    try {
      Model model = Model.load(source);
      owned.add(model);
      var tokenizer = CompletableFuture.supplyAsync(() -> ModelTokenizer.load(model), beside);
      owned.add(
          () -> {
            if (!tokenizer.handle((_, failure) -> failure != null).join()) {
              tokenizer.join().close();
            }
          });
      KernelTier.Selection selected = join(selection);
      selected.warnings().forEach(onWarning);
      ComputePool pool = new ComputePool(threads);
      owned.add(pool);
      Kernels kernels = selected.tier().create(pool);
      Engine engine = Engine.measured(part.apply(model.transformer()), kernels, activations);
      owned.add(engine);
      // An encoder's first batch may be large; of a decoder somebody waits for the first token.
      boolean decoder = engine.model().head() instanceof Head.NextToken;
      engine.warmUp(() -> decoder && tokenizer.isDone());
      checkVocabulary(model, join(tokenizer));
      return new LoadedModel(model, join(tokenizer), kernels, pool, engine);
    } catch (RuntimeException | Error e) {
      closeAfter(e, owned);
      throw e;
    }
  }

  /** What another thread made, or why it could not. */
  private static <T> T join(CompletableFuture<T> made) {
    try {
      return made.join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        case null, default -> throw e;
      }
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
      closeAfter(e, List.of(model, tokenizer, pool, engine));
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
    closeAll(List.of(model, tokenizer, pool, engine));
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
