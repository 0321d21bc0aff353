package dev.hone.runtime.generate;

import dev.hone.runtime.cache.PagedCache;
import dev.hone.tokenizer.ChatMessage;
import java.util.ArrayList;
import java.util.List;

/**
 * A conversation with a model. What it has read stays in a cache, so that for every answer only
 * what is new is read. It is used by one thread at a time; end one answer before the next.
 */
public final class Conversation implements AutoCloseable {
  private final TextGenerator generator;
  private final GenerationSettings settings;
  private final PagedCache cache;
  private final List<ChatMessage> messages = new ArrayList<>();
  private TokenSequence sequence;
  private int kept;

  Conversation(TextGenerator generator, GenerationSettings settings, PagedCache cache) {
    this.generator = generator;
    this.settings = settings;
    this.cache = cache;
  }

  /** What was said so far. */
  public List<ChatMessage> messages() {
    return List.copyOf(messages);
  }

  /** Takes something else for what was said so far. */
  public void messages(List<ChatMessage> said) {
    messages.clear();
    messages.addAll(said);
  }

  /**
   * The answer to what a user says, piece by piece. Once the stream is closed both belong to the
   * conversation, the answer as far as it came; or neither, where nothing came.
   *
   * @throws dev.hone.tokenizer.jinja.TemplateException where the model's template refuses the
   *     conversation
   * @throws PromptException where it has become longer than the model reads
   */
  public TextStream say(String text) {
    List<ChatMessage> asked = new ArrayList<>(messages);
    asked.add(ChatMessage.user(text));
    int[] prompt = generator.chatTokens(asked);
    return generator.stream(
        cache,
        () -> read(prompt),
        prompt,
        settings,
        answer -> {
          if (!answer.tokens().isEmpty()) {
            messages.add(ChatMessage.user(text));
            messages.add(ChatMessage.assistant(answer.text()));
          }
        });
  }

  private TokenSequence read(int[] prompt) {
    if (sequence == null) {
      sequence = new TokenSequence(cache, prompt);
    } else {
      kept = sequence.become(prompt);
    }
    return sequence;
  }

  /** Tokens of the last prompt that were not read again. */
  public int keptTokens() {
    return kept;
  }

  /** Tokens of the conversation as far as it was read. */
  public int tokens() {
    return sequence == null ? 0 : sequence.length();
  }

  @Override
  public void close() {
    cache.close();
  }
}
