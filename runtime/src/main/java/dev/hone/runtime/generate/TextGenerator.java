package dev.hone.runtime.generate;

import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.model.Head;
import dev.hone.model.folder.Model;
import dev.hone.runtime.Engine;
import dev.hone.runtime.LoadedModel;
import dev.hone.runtime.ModelTokenizer;
import dev.hone.runtime.UnsupportedByModelException;
import dev.hone.runtime.cache.PagedCache;
import dev.hone.tokenizer.ChatMessage;
import dev.hone.tokenizer.ChatTemplate;
import dev.hone.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

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
  private final Supplier<Optional<ChatTemplate>> chatTemplate;
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
    this.settings = GenerationConfig.of(model, loaded.tokenizer(), options.onWarning());
    this.chatTemplate = new Once<>(() -> ModelTokenizer.chatTemplate(model, loaded.tokenizer()));
    this.engine = loaded.engine();
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
    return LoadedModel.load(
            source,
            options.threads(),
            options.kernels(),
            options.onWarning(),
            options.activations(),
            UnaryOperator.identity())
        .handOver(loaded -> new TextGenerator(loaded, options));
  }

  /**
   * What the model's makers ask for: {@code generation_config.json} or the keys of a GGUF file, and
   * the tokens that end an answer. Where they say nothing it is the largest logit at every step,
   * and {@link GenerationSettings#DEFAULT_NEW_TOKENS} tokens at most.
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
    return generate(List.of(prompt), asked).answers().getFirst().getFirst();
  }

  /**
   * Answers to many prompts, which are read and gone on with together.
   *
   * @param answers to each prompt, in the order of the prompts
   */
  public record Answers(List<List<GeneratedText>> answers, GenerationSpeed speed) {}

  /** Answers to many prompts. */
  public Answers generate(List<String> prompts, GenerationSettings asked) {
    return generate(prompts, asked, PieceListener.NONE);
  }

  /** Answers to many prompts, told as they come. */
  public Answers generate(List<String> prompts, GenerationSettings asked, PieceListener listener) {
    return answer(prompts.stream().map(this::tokens), asked, listener);
  }

  /** Answers to many conversations. */
  public Answers answer(List<List<ChatMessage>> conversations, GenerationSettings asked) {
    return answer(conversations.stream().map(this::chatTokens), asked, PieceListener.NONE);
  }

  private Answers answer(Stream<int[]> prompts, GenerationSettings asked, PieceListener listener) {
    List<int[]> tokens = prompts.toList();
    tokens.forEach(this::check);
    try (PagedCache cache = cache()) {
      Generation generation =
          generation(
              cache,
              asked,
              tokens.stream()
                  .<Supplier<TokenSequence>>map(t -> () -> new TokenSequence(cache, t))
                  .toList(),
              TokenSequence::close,
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

  /** The answer to a conversation, piece by piece. Close it. */
  public TextStream stream(List<ChatMessage> messages, GenerationSettings asked) {
    return stream(chatTokens(messages), asked);
  }

  private TextStream stream(int[] prompt, GenerationSettings asked) {
    PagedCache cache = cache();
    return stream(cache, () -> new TokenSequence(cache, prompt), prompt, asked, _ -> cache.close());
  }

  /**
   * An answer piece by piece.
   *
   * @param sequence that becomes the prompt; it stays open
   * @param atEnd told of the answer when the stream is closed
   */
  TextStream stream(
      PagedCache cache,
      Supplier<TokenSequence> sequence,
      int[] prompt,
      GenerationSettings asked,
      Consumer<GeneratedText> atEnd) {
    check(prompt);
    var pieces = new StringBuilder();
    Generation generation =
        generation(
            cache,
            asked.answers(1),
            List.of(sequence),
            _ -> {},
            (_, _, piece) -> pieces.append(piece));
    return new TextStream(generation, pieces, atEnd);
  }

  /** Begins a conversation, as the model's makers ask for. Close it. */
  public Conversation converse() {
    return converse(settings);
  }

  /** Begins a conversation. Close it. */
  public Conversation converse(GenerationSettings asked) {
    chatTemplate();
    return new Conversation(this, asked, cache());
  }

  /** How the model's makers put a conversation. */
  private ChatTemplate chatTemplate() {
    return chatTemplate
        .get()
        .orElseThrow(
            () ->
                new UnsupportedByModelException(
                    loaded.model().source()
                        + " has no chat template: it goes on with texts, and answers nobody"));
  }

  /** The tokens of a conversation, with the beginning of the answer. */
  int[] chatTokens(List<ChatMessage> messages) {
    return loaded.tokenizer().encodeAlone(chatTemplate().render(messages));
  }

  private Generation generation(
      PagedCache cache,
      GenerationSettings asked,
      List<Supplier<TokenSequence>> prompts,
      Consumer<TokenSequence> left,
      PieceListener listener) {
    int entries = loaded.model().transformer().embeddings().word().entries();
    for (int token : asked.sampling().bias().keySet()) {
      if (token < 0 || token >= entries) {
        throw new UnsupportedByModelException(
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
        left,
        listener);
  }

  private PagedCache cache() {
    return new PagedCache(engine.model(), options.cacheType(), options.cacheBytes());
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

  /** Asks a supplier when somebody asks, once. */
  private static final class Once<T> implements Supplier<T> {
    private final Supplier<T> source;
    private T value;

    Once(Supplier<T> source) {
      this.source = source;
    }

    @Override
    public synchronized T get() {
      if (value == null) {
        value = source.get();
      }
      return value;
    }
  }

  /** Ends after the step that runs; calls that need another one fail. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      loaded.close();
    }
  }
}
