package dev.hone.runtime;

import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.model.Head;
import dev.hone.model.Transformer;
import dev.hone.model.folder.Model;
import dev.hone.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An encoder as a user calls it: texts in, vectors or labels out. Calls may come from any thread;
 * one that asks for what the model cannot do ends in an {@link UnsupportedByModelException}.
 *
 * <pre>{@code
 * try (Encoder encoder = Encoder.load("minilm")) {
 *   float[] vector = encoder.embed("A man is playing a guitar.");
 * }
 * }</pre>
 */
public final class Encoder implements AutoCloseable {
  private final LoadedModel loaded;
  private final Engine engine;
  private final EncoderOptions options;
  private final PackedRun run;
  private final boolean owner;
  private final AtomicBoolean closed = new AtomicBoolean();

  private Encoder(LoadedModel loaded, EncoderOptions options) {
    this(loaded, loaded.engine(), options, true);
    if (loaded.model().transformer().head() instanceof Head.HiddenStates) {
      options
          .onWarning()
          .accept(
              loaded.model().folder()
                  + " has no modules.json, which says how tokens become a text's vector:"
                  + " embed takes their mean");
    }
  }

  /**
   * @param owner whether it closes what was loaded
   */
  private Encoder(LoadedModel loaded, Engine engine, EncoderOptions options, boolean owner) {
    this.loaded = loaded;
    this.engine = engine;
    this.options = options;
    this.run = new PackedRun(loaded.model(), loaded.tokenizer(), engine, loaded.pool(), options);
    this.owner = owner;
  }

  /** A model by its name: a folder, a built-in name such as {@code minilm}, {@code hf:org/name}. */
  public static Encoder load(String name) {
    return load(name, EncoderOptions.defaults());
  }

  /** A model by its name. */
  public static Encoder load(String name, EncoderOptions options) {
    return load(Hub.system().resolve(name, Progress.NONE), options);
  }

  /** A model in a folder, or a file in one. */
  public static Encoder load(Path source, EncoderOptions options) {
    return LoadedModel.load(
            source,
            options.threads(),
            options.kernels(),
            options.onWarning(),
            ActivationType.F32,
            Embedder::pooled)
        .handOver(loaded -> new Encoder(loaded, options));
  }

  /**
   * The same encoder over a changed model, sharing tokenizer, threads and what is packed of
   * unchanged matrices: close it before this one.
   *
   * @param other made from this encoder's model; its memory is its maker's
   */
  public Encoder with(Transformer other) {
    return new Encoder(
        loaded, new Engine(Embedder.pooled(other), loaded.kernels(), engine), options, false);
  }

  /** The vector of a text. */
  public float[] embed(String text) {
    return embed(List.of(text)).getFirst();
  }

  /** The vectors of texts, in their order, with the model's default prompt before each. */
  public List<float[]> embed(List<String> texts) {
    return embed(texts, model().text().defaultPrompt());
  }

  /**
   * The vectors of texts, in their order.
   *
   * @param promptName one of the model's prompts, put before every text
   */
  public List<float[]> embed(List<String> texts, Optional<String> promptName) {
    return new Embedder(run).embed(texts, promptName);
  }

  /**
   * What the model's head answers to each text, as it comes: one row of numbers (a vector, or the
   * logits of the labels), or a row a token.
   */
  public List<float[][]> answers(List<String> texts) {
    return run.texts(texts, (text, encoding, rows) -> rows);
  }

  /** The labels that the model gives texts, in the order of its logits. */
  public List<String> labels() {
    return Labels.ofTexts(run).names();
  }

  /** The model's labels for a text, best first. */
  public List<Label> classify(String text) {
    return classify(List.of(text)).getFirst();
  }

  /** The model's labels for each text, best first: transformers' text classification. */
  public List<List<Label>> classify(List<String> texts) {
    Labels labels = Labels.ofTexts(run);
    return run.texts(texts, (text, encoding, rows) -> labels.scored(rows[0]));
  }

  /**
   * Labels that the model was never trained on, best first for each text: transformers' zero-shot
   * classification. A text that is too long is cut, a label never.
   *
   * @throws UnsupportedByModelException if this is no model of natural language inference
   */
  public List<List<Label>> classify(List<String> texts, Candidates candidates) {
    return new ZeroShot(run, candidates).classify(texts);
  }

  /** Entities of a text, grouped by {@link Aggregation#SIMPLE}. */
  public List<Entity> tag(String text) {
    return tag(List.of(text), Aggregation.SIMPLE).getFirst();
  }

  /** Entities of each text, in the text's order, without what is labelled {@code O}. */
  public List<List<Entity>> tag(List<String> texts, Aggregation aggregation) {
    return tag(texts, aggregation, Set.of("O"));
  }

  /**
   * Entities of each text, in the text's order: transformers' token classification.
   *
   * @param ignored labels that are left out
   */
  public List<List<Entity>> tag(List<String> texts, Aggregation aggregation, Set<String> ignored) {
    List<String> labels = Labels.ofTokens(run).names();
    var tagger = new EntityTagger(tokenizer(), labels, aggregation, Set.copyOf(ignored));
    return run.texts(
        texts, (text, encoding, rows) -> tagger.entities(texts.get(text), encoding, rows));
  }

  /** How well the second text of each pair answers the first, by a cross-encoder. */
  public List<Float> score(List<TextPair> pairs) {
    return new Reranker(run).score(pairs);
  }

  /**
   * Documents by how well they answer a query, best first: by a cross-encoder's scores, or by the
   * similarity of a bi-encoder's vectors (cosine where its folder names no other), with its prompts
   * for queries and documents where it has them.
   */
  public List<Ranked> rerank(String query, List<String> documents) {
    return new Reranker(run).rank(query, documents);
  }

  /** Tokens of a text that the model reads. */
  public int maxTokens() {
    return run.maxTokens();
  }

  /** Tokens of a text as the model reads it, special ones among them. */
  public int tokens(String text) {
    return tokenizer().encode(text, maxTokens()).size();
  }

  public Model model() {
    return loaded.model();
  }

  public Tokenizer tokenizer() {
    return loaded.tokenizer();
  }

  /** The model as it runs here, for batches of token ids. */
  public Engine engine() {
    return engine;
  }

  /**
   * Bytes of memory outside the heap: mapped files, converted and packed weights, and the most that
   * activations have taken. A mapped file counts whole, though what was packed from it is not read
   * again and the system may take its pages back.
   */
  public long sizeBytes() {
    return model().sizeBytes() + engine.sizeBytes();
  }

  /** The tier of kernels that runs. */
  public String kernels() {
    return loaded.kernels().name();
  }

  /** Whether its kernels multiply BF16 by BF16 faster than floats. */
  public boolean multipliesBf16() {
    return loaded.kernels().multipliesBf16();
  }

  /** Ends after the batch that runs; calls that need another one fail. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      if (owner) {
        loaded.close();
      } else {
        engine.close();
      }
    }
  }
}
