package dev.hone.runtime.generate;

/** Told of the text of answers as it comes. */
@FunctionalInterface
public interface PieceListener {
  /** Tells nobody. */
  PieceListener NONE = (prompt, answer, piece) -> {};

  /**
   * An answer has one more token.
   *
   * @param prompt index of the prompt
   * @param answer which of its answers
   * @param piece the text that is certain now; empty where the token does not end a character, or
   *     where the text may be the beginning of a stop string
   */
  void piece(int prompt, int answer, String piece);
}
