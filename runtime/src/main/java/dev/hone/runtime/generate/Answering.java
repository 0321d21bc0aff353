package dev.hone.runtime.generate;

import dev.hone.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An answer on its way: chooses its tokens as their logits come, tells its text, and knows when it
 * ends. Its sequence may be advanced together with any others.
 */
public final class Answering {
  private final TokenSequence sequence;
  private final GenerationSettings settings;
  private final int contextTokens;
  private final Sampler sampler;
  private final Detokenizer detokenizer;
  private final StopStrings stops;
  private final StringBuilder text = new StringBuilder();
  private final List<Integer> tokens = new ArrayList<>();
  private final List<TokenChoice> choices = new ArrayList<>();
  private Optional<StopReason> stopReason = Optional.empty();

  /**
   * An answer to all that a sequence has.
   *
   * @param seed of all answers to the prompt
   * @param answer which of them
   * @param contextTokens tokens of prompt and answer at most
   */
  public Answering(
      TokenSequence sequence,
      Tokenizer tokenizer,
      GenerationSettings settings,
      long seed,
      int answer,
      int contextTokens) {
    this.sequence = sequence;
    this.settings = settings;
    this.contextTokens = contextTokens;
    int[] prompt = sequence.tokens();
    this.sampler = new Sampler(settings.sampling(), seed, answer, prompt);
    this.detokenizer = new Detokenizer(tokenizer, prompt);
    this.stops = new StopStrings(settings.stopStrings());
  }

  public TokenSequence sequence() {
    return sequence;
  }

  /**
   * Chooses the next token by its sequence's logits. Unless the answer has ended with it, the
   * sequence has it to read.
   *
   * @return the text that is certain now and was not before; empty where none is
   */
  public String choose() {
    if (stopReason.isPresent()) {
      throw new IllegalStateException("the answer has ended: " + stopReason.get());
    }
    float[] logits = sequence.logits();
    int token = sampler.choose(logits);
    tokens.add(token);
    settings.likeliest().ifPresent(count -> choices.add(TokenChoice.of(token, logits, count)));
    if (settings.stopTokens().contains(token)) {
      return told(stops.rest(), StopReason.STOP_TOKEN);
    }
    String piece = stops.add(detokenizer.add(token));
    if (stops.found()) {
      return told(piece, StopReason.STOP_STRING);
    }
    if (tokens.size() == settings.maxNewTokens()) {
      return told(piece + stops.rest(), StopReason.LENGTH);
    }
    if (sequence.length() == contextTokens) {
      return told(piece + stops.rest(), StopReason.CONTEXT);
    }
    sequence.append(token);
    text.append(piece);
    return piece;
  }

  private String told(String piece, StopReason reason) {
    text.append(piece);
    stopReason = Optional.of(reason);
    return piece;
  }

  /** Ends it with what it has. */
  public void cancel() {
    if (stopReason.isEmpty()) {
      told(stops.rest(), StopReason.CANCELLED);
    }
  }

  /** Whether it has ended. */
  public boolean ended() {
    return stopReason.isPresent();
  }

  /** The answer, so far where it has not ended. */
  public GeneratedText answer() {
    return new GeneratedText(
        text.toString(), tokens, stopReason.orElse(StopReason.CANCELLED), choices);
  }
}
