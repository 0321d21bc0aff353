package dev.hone.runtime.generate;

import dev.hone.tokenizer.Tokenizer;
import java.util.Arrays;

/**
 * Turns the tokens of an answer into text as they come. How a token reads depends on its
 * neighbours, so every piece is what the decoded text grows by; a token that ends within a
 * character waits for the rest of it.
 *
 * <p>Special tokens are no text.
 */
final class Detokenizer {
  /** What the library puts for bytes that are no character. */
  private static final String BROKEN = "\ufffd";

  /** Tokens of the prompt that the first piece is decoded with. */
  private static final int CONTEXT = 8;

  private final Tokenizer tokenizer;

  /** Tokens that were told, as many as the next needs before it; behind them those that wait. */
  private int[] tokens;

  private int told;
  private int length;

  Detokenizer(Tokenizer tokenizer, int[] prompt) {
    this.tokenizer = tokenizer;
    this.tokens = Arrays.copyOfRange(prompt, Math.max(0, prompt.length - CONTEXT), prompt.length);
    this.told = tokens.length;
    this.length = told;
  }

  /** The text that is certain now: empty while a character is not whole. */
  String add(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length + 1);
    }
    tokens[length++] = token;
    String before = decode(told);
    String after = decode(length);
    if (after.length() <= before.length() || after.endsWith(BROKEN)) {
      return "";
    }
    // The next piece needs the tokens of this one before it, and no more.
    tokens = Arrays.copyOfRange(tokens, told, length);
    length = tokens.length;
    told = length;
    return after.substring(before.length());
  }

  private String decode(int to) {
    return to == 0 ? "" : tokenizer.decode(Arrays.copyOf(tokens, to), true);
  }
}
