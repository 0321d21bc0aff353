package dev.hone.runtime.generate;

import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.model.Head;
import dev.hone.model.folder.Model;
import dev.hone.runtime.Engine;
import dev.hone.runtime.LoadedModel;
import dev.hone.runtime.UnsupportedByModelException;
import dev.hone.runtime.cache.PagedCache;
import dev.hone.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * A decoder as a user calls it: a prompt in, text that goes on with it out. Calls may come from any
 * thread.
 *
 * <pre>{@code
 * try (TextGenerator generator = TextGenerator.load("my-decoder")) {
 *   String text = generator.generate("Once upon a time");
 * }
 * }</pre>
 */
public final class TextGenerator implements AutoCloseable {
  private final LoadedModel loaded;
  private final Engine engine;
  private final TextGeneratorOptions options;
  private final GenerationSettings settings;
  private final int contextTokens;
  private final AtomicBoolean closed = new AtomicBoolean();

  private TextGenerator(LoadedModel loaded, TextGeneratorOptions options) {
    this.loaded = loaded;
    this.options = options;
    Model model = loaded.model();
    if (!(model.transformer().head() instanceof Head.NextToken)) {
      throw new UnsupportedByModelException(
          model.source()
              + " cannot say which token comes next: its head is "
              + model.transformer().head().getClass().getSimpleName());
    }
    int most = model.transformer().embeddings().maxTokens();
    this.contextTokens = options.contextTokens().orElse(most);
    if (contextTokens > most) {
      throw new UnsupportedByModelException(
          model.source() + " reads at most " + most + " tokens: contextTokens=" + contextTokens);
    }
    this.settings = GenerationConfig.of(model, loaded.tokenizer());
    this.engine = new Engine(model.transformer(), loaded.kernels());
  }

  /** A model by its name: a folder, a GGUF file, {@code hf:org/name}. */
  public static TextGenerator load(String name) {
    return load(name, TextGeneratorOptions.defaults());
  }

  /** A model by its name. */
  public static TextGenerator load(String name, TextGeneratorOptions options) {
    return load(Hub.system().resolve(name, Progress.NONE), options);
  }

  /** A model in a folder, or a file. */
  public static TextGenerator load(Path source, TextGeneratorOptions options) {
    return LoadedModel.load(source, options.threads(), options.kernels(), options.onWarning())
        .handOver(loaded -> new TextGenerator(loaded, options));
  }

  /**
   * What the model's makers ask for: {@code generation_config.json}, and the tokens that end an
   * answer. Without such a file it is the largest logit at every step, and {@link
   * GenerationSettings#DEFAULT_NEW_TOKENS} tokens at most.
   */
  public GenerationSettings settings() {
    return settings;
  }

  /** The text that goes on with a prompt, as the model's makers ask for. */
  public String generate(String prompt) {
    return generate(prompt, settings).text();
  }

  /** An answer to a prompt; the first where several are asked for. */
  public GeneratedText generate(String prompt, GenerationSettings asked) {
    return generate(List.of(prompt), asked, PieceListener.NONE).answers().getFirst().getFirst();
  }

  /**
   * Answers to many prompts, which are read and gone on with together.
   *
   * @param answers to each prompt, in the order of the prompts
   */
  public record Answers(List<List<GeneratedText>> answers, GenerationSpeed speed) {}

  /** Answers to many prompts, told as they come. */
  public Answers generate(List<String> prompts, GenerationSettings asked, PieceListener listener) {
    List<int[]> tokens = prompts.stream().map(this::tokens).toList();
    tokens.forEach(this::check);
    try (PagedCache cache = cache()) {
      Generation generation =
          generation(
              cache,
              asked,
              tokens.stream()
                  .<Supplier<TokenSequence>>map(t -> () -> new TokenSequence(cache, t))
                  .toList(),
              listener);
      while (generation.step()) {}
      return new Answers(generation.answers(), generation.speed());
    }
  }

  /** An answer piece by piece, as the model's makers ask for. Close it. */
  public TextStream stream(String prompt) {
    return stream(prompt, settings);
  }

  /** An answer piece by piece. Close it. */
  public TextStream stream(String prompt, GenerationSettings asked) {
    return stream(tokens(prompt), asked);
  }

  /** An answer to tokens, piece by piece. Close it. */
  public TextStream stream(int[] prompt, GenerationSettings asked) {
    check(prompt);
    PagedCache cache = cache();
    var pieces = new StringBuilder();
    Generation generation =
        generation(
            cache,
            asked.answers(1),
            List.of(() -> new TokenSequence(cache, prompt)),
            (p, a, piece) -> pieces.append(piece));
    return new TextStream(generation, pieces, cache::close);
  }

  private Generation generation(
      PagedCache cache,
      GenerationSettings asked,
      List<Supplier<TokenSequence>> prompts,
      PieceListener listener) {
    int entries = loaded.model().transformer().embeddings().word().entries();
    for (int token : asked.sampling().bias().keySet()) {
      if (token < 0 || token >= entries) {
        throw new IllegalArgumentException(
            "bias of token " + token + ": the model has tokens 0 to " + (entries - 1));
      }
    }
    return new Generation(
        new PackedSteps(engine, cache, options.chunkTokens()),
        loaded.tokenizer(),
        asked,
        contextTokens,
        options.sequences(),
        prompts,
        TokenSequence::close,
        listener);
  }

  private PagedCache cache() {
    return new PagedCache(engine.model(), options.cacheBytes());
  }

  private int[] tokens(String prompt) {
    return loaded.tokenizer().encode(prompt, Tokenizer.UNLIMITED).ids();
  }

  private void check(int[] prompt) {
    if (prompt.length == 0 || prompt.length > contextTokens) {
      throw new PromptException(
          "the prompt has "
              + prompt.length
              + " tokens; "
              + loaded.model().source()
              + " goes on with 1 to "
              + contextTokens);
    }
  }

  /** Tokens of a prompt and its answer at most. */
  public int contextTokens() {
    return contextTokens;
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

  /** The tier of kernels that runs. */
  public String kernels() {
    return loaded.kernels().name();
  }

  /** Ends after the step that runs; calls that need another one fail. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      engine.close();
      loaded.close();
    }
  }
}
