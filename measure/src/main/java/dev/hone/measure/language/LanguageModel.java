package dev.hone.measure.language;

import dev.hone.measure.TaskException;
import dev.hone.measure.language.Windows.Window;
import dev.hone.model.Batch;
import dev.hone.model.Head;
import dev.hone.model.Transformer;
import dev.hone.model.folder.Model;
import dev.hone.runtime.ActivationType;
import dev.hone.runtime.Engine;
import dev.hone.runtime.ModelTokenizer;
import dev.hone.runtime.UnsupportedByModelException;
import dev.hone.runtime.cache.CachedSequence;
import dev.hone.runtime.cache.PagedCache;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.KeyValueType;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import dev.hone.tokenizer.Tokenizer;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * A decoder and its tokenizer, made ready to be asked what it foretells of a text.
 *
 * <p>Where the tokenizer puts a token before every text, that token stands in the place of each
 * window's first, as llama.cpp's perplexity has it.
 */
public final class LanguageModel implements AutoCloseable {
  /** Bytes of the logits that are there at once. */
  private static final long LOGITS_BYTES = 32 << 20;

  /** Fewer tokens at once would leave kernels without work to share. */
  private static final int LEAST_TOKENS = 16;

  private final Model model;
  private final Tokenizer tokenizer;
  private final Engine engine;
  private final Kernels kernels;
  private final ActivationType activations;
  private final KeyValueType cacheType;
  private final boolean owner;

  private LanguageModel(
      Model model,
      Tokenizer tokenizer,
      Engine engine,
      Kernels kernels,
      ActivationType activations,
      KeyValueType cacheType,
      boolean owner) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.engine = engine;
    this.kernels = kernels;
    this.activations = activations;
    this.cacheType = cacheType;
    this.owner = owner;
  }

  /** Loads a model from a folder or a file; keys and values are stored as they are. */
  public static LanguageModel load(
      Path source, KernelTier tier, ActivationType activations, ComputePool pool) {
    return load(source, tier, activations, pool, KeyValueType.F32);
  }

  /**
   * Loads a model from a folder or a file.
   *
   * @param activations what products with quantized weights read
   * @param pool threads that compute; it is closed after the model
   * @param cacheType what keys and values are stored in
   * @throws UnsupportedByModelException where it is no decoder
   */
  public static LanguageModel load(
      Path source,
      KernelTier tier,
      ActivationType activations,
      ComputePool pool,
      KeyValueType cacheType) {
    Model model = Model.load(source);
    try {
      if (!(model.transformer().head() instanceof Head.NextToken)) {
        throw new UnsupportedByModelException(
            source
                + " cannot say which token comes next: its head is "
                + model.transformer().head().getClass().getSimpleName());
      }
      Tokenizer tokenizer = ModelTokenizer.load(model);
      try {
        Kernels kernels = tier.create(pool);
        Engine engine = new Engine(model.transformer(), kernels, activations);
        return new LanguageModel(model, tokenizer, engine, kernels, activations, cacheType, true);
      } catch (RuntimeException | Error e) {
        tokenizer.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /**
   * The same model with other weights, sharing the tokenizer and what is packed of unchanged
   * matrices: close it before this one.
   *
   * @param other made from this model; its memory is its maker's
   */
  public LanguageModel with(Transformer other) {
    Engine changed = new Engine(other, kernels, activations, engine);
    return new LanguageModel(model, tokenizer, changed, kernels, activations, cacheType, false);
  }

  public Model model() {
    return model;
  }

  public Engine engine() {
    return engine;
  }

  ComputePool pool() {
    return kernels.pool();
  }

  /** The ids of a whole text, without tokens around it. */
  public int[] ids(String text) {
    int[] ids = tokenizer.encodeAlone(text);
    int entries = engine.model().embeddings().word().entries();
    for (int id : ids) {
      if (id >= entries) {
        throw new TaskException(
            model.source()
                + ": tokenizer and model do not belong together: token id="
                + id
                + ", rows of the word embeddings="
                + entries);
      }
    }
    return ids;
  }

  /** Numbers of one row of logits. */
  public int vocabulary() {
    Head.NextToken head = (Head.NextToken) engine.model().head();
    return engine.model().nextToken(head).out();
  }

  /** The token that the tokenizer puts before every text; empty where there is none. */
  OptionalInt first() {
    int[] around = tokenizer.encode("", Tokenizer.UNLIMITED).ids();
    return around.length == 0 ? OptionalInt.empty() : OptionalInt.of(around[0]);
  }

  /** The tokens of a window as this model reads them. */
  public int[] read(int[] text, Window window) {
    int[] ids = Arrays.copyOfRange(text, window.from(), window.to());
    first().ifPresent(first -> ids[0] = first);
    return ids;
  }

  void requireRoomFor(Windows windows) {
    int most = engine.model().embeddings().maxTokens();
    if (windows.size() > most) {
      throw new TaskException(
          model.source() + " reads at most " + most + " tokens: window=" + windows.size());
    }
  }

  /** Tokens that are read at once, so that their logits need no more memory than a few. */
  int chunk() {
    return (int) Math.max(LEAST_TOKENS, LOGITS_BYTES / ((long) vocabulary() * Float.BYTES));
  }

  /** Reads windows, one at a time. */
  Reader reader() {
    return new Reader();
  }

  /** What a window's tokens so far have left behind. */
  final class Reader implements AutoCloseable {
    private final PagedCache cache = new PagedCache(engine.model(), cacheType, Long.MAX_VALUE);
    private CachedSequence sequence = cache.open();

    /** Forgets the window; the next one has so many tokens. */
    void begin(int tokens) {
      sequence.close();
      sequence = cache.open(tokens);
    }

    /** Reads tokens whose answers nobody asks for. */
    void skip(int[] ids) {
      engine.next(Batch.of(List.of(ids)), cache.of(List.of(sequence)));
    }

    /** Reads tokens; the logits behind each of them can be read until {@code then} ends. */
    void read(int[] ids, Consumer<Tensor> then) {
      engine.run(Batch.of(List.of(ids)), cache.of(List.of(sequence)), then);
    }

    /** Reads tokens; the logits behind each of them, in memory of the arena. */
    Tensor kept(int[] ids, Arena arena) {
      Tensor logits = Tensor.allocate(arena, Plain.F32, ids.length, vocabulary());
      read(ids, all -> logits.data().copyFrom(all.data()));
      return logits;
    }

    @Override
    public void close() {
      sequence.close();
      cache.close();
    }
  }

  @Override
  public void close() {
    engine.close();
    if (owner) {
      tokenizer.close();
      model.close();
    }
  }
}
