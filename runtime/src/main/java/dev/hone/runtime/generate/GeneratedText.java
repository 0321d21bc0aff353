package dev.hone.runtime.generate;

import java.util.List;

/**
 * An answer to a prompt.
 *
 * @param text without the string or token that ended it
 * @param tokens all that were chosen
 * @param choices one a token, where they were asked for
 */
public record GeneratedText(
    String text, List<Integer> tokens, StopReason stopReason, List<TokenChoice> choices) {
  public GeneratedText {
    tokens = List.copyOf(tokens);
    choices = List.copyOf(choices);
  }
}
