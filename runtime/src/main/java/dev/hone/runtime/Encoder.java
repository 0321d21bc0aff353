package dev.hone.runtime;

import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.model.Batch;
import dev.hone.model.Head;
import dev.hone.model.Transformer;
import dev.hone.model.folder.Model;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import dev.hone.tokenizer.Encoding;
import dev.hone.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An encoder as a user calls it: texts in, vectors or labels out. Calls may come from any thread.
 *
 * <pre>{@code
 * try (Encoder encoder = Encoder.load("minilm")) {
 *   float[] vector = encoder.embed("A man is playing a guitar.");
 * }
 * }</pre>
 */
public final class Encoder implements AutoCloseable {
  /** Texts that are tokenized at once: bounds the memory of a long list. */
  private static final int CHUNK = 1024;

  private final Model model;
  private final Tokenizer tokenizer;
  private final Kernels kernels;
  private final Engine engine;
  private final EncoderOptions options;
  private final List<AutoCloseable> owned;

  private Encoder(
      Model model,
      Transformer transformer,
      Tokenizer tokenizer,
      Kernels kernels,
      EncoderOptions options,
      List<AutoCloseable> owned) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.kernels = kernels;
    this.engine = new Engine(transformer, kernels);
    this.options = options;
    this.owned = owned;
  }

  /** A model by its name: a folder, a built-in name such as {@code minilm}, {@code hf:org/name}. */
  public static Encoder load(String name) {
    return load(Hub.system().resolve(name, Progress.NONE), EncoderOptions.defaults());
  }

  /** A model in a folder, or a file in one. */
  public static Encoder load(Path source, EncoderOptions options) {
    KernelTier.Selection selection = KernelTier.select(options.kernels());
    selection.warnings().forEach(options.onWarning());
    var owned = new ArrayList<AutoCloseable>();
    try {
      Model model = Model.load(source);
      owned.add(model);
      Tokenizer tokenizer = Tokenizer.load(model.folder());
      owned.add(tokenizer);
      ComputePool pool = new ComputePool(options.threads());
      owned.add(pool);
      return new Encoder(
          model, model.transformer(), tokenizer, selection.tier().create(pool), options, owned);
    } catch (RuntimeException e) {
      closeAll(owned);
      throw e;
    }
  }

  /**
   * The same encoder over a changed model, sharing tokenizer and threads: close it before this one.
   *
   * @param other made from this encoder's model; its memory is its maker's
   */
  public Encoder with(Transformer other) {
    return new Encoder(model, other, tokenizer, kernels, options, List.of());
  }

  /** The vector of a text. */
  public float[] embed(String text) {
    return embed(List.of(text)).getFirst();
  }

  /** The vectors of texts, in their order, with the model's default prompt before each. */
  public List<float[]> embed(List<String> texts) {
    return embed(texts, model.text().defaultPrompt());
  }

  /**
   * The vectors of texts, in their order.
   *
   * @param promptName one of the model's prompts, put before every text
   */
  public List<float[]> embed(List<String> texts, Optional<String> promptName) {
    String prompt = promptName.map(this::prompt).orElse("");
    requireVectors();
    List<float[]> vectors = new ArrayList<>(texts.size());
    for (int from = 0; from < texts.size(); from += CHUNK) {
      List<String> chunk =
          texts.subList(from, Math.min(from + CHUNK, texts.size())).stream()
              .map(prompt::concat)
              .toList();
      vectors.addAll(run(tokenizer.encodeAll(chunk, maxTokens()), from));
    }
    return vectors;
  }

  /** Tokens of a text that the model reads. */
  public int maxTokens() {
    int positions = model.transformer().embeddings().maxTokens();
    int published =
        model.text().maxTokens().orElseGet(() -> tokenizer.modelMaxTokens().orElse(positions));
    return Math.min(positions, options.maxTokens().orElse(published));
  }

  public Model model() {
    return model;
  }

  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The model as it runs here, for batches of token ids. */
  public Engine engine() {
    return engine;
  }

  /** Bytes of memory outside the heap: mapped files, converted and packed weights, activations. */
  public long sizeBytes() {
    return model.sizeBytes() + engine.sizeBytes();
  }

  /** The tier of kernels that runs. */
  public String kernels() {
    return kernels.name();
  }

  /** Runs texts packed by the token budget; one row of the head's answer for each of its vectors. */
  List<float[]> run(List<Encoding> texts, int firstIndex) {
    for (int i = 0; i < texts.size(); i++) {
      Encoding text = texts.get(i);
      if (text.cut() > 0) {
        options.onCut().accept(new Cut(firstIndex + i, text.size() + text.cut(), text.size()));
      }
    }
    List<float[]> rows = new ArrayList<>();
    Packing.pack(
        texts, options.tokenBudget(), (Batch batch) -> rows.addAll(List.of(engine.run(batch))));
    return rows;
  }

  private String prompt(String name) {
    var prompts = model.text().prompts();
    String prompt = prompts.get(name);
    if (prompt == null) {
      throw new IllegalArgumentException(
          "the model has no prompt of that name: prompt=" + name + "; it has " + prompts.keySet());
    }
    return prompt;
  }

  private void requireVectors() {
    if (!(engine.model().head() instanceof Head.SentenceEmbedding)) {
      throw new IllegalStateException(
          model.folder() + " has no pooling (modules.json), so it has no vector for a text; its head is "
              + engine.model().head().getClass().getSimpleName());
    }
  }

  @Override
  public void close() {
    engine.close();
    closeAll(owned);
  }

  private static void closeAll(List<AutoCloseable> owned) {
    for (AutoCloseable one : owned.reversed()) {
      try {
        one.close();
      } catch (Exception e) {
        throw new IllegalStateException("closing " + one, e);
      }
    }
  }
}
