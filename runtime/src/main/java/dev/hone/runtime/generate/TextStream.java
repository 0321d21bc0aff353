package dev.hone.runtime.generate;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Consumer;

/**
 * An answer piece by piece, as it comes: the next token is chosen when the next piece is asked for.
 * Who stops asking and closes it stops the answer. It is used by one thread at a time.
 */
public final class TextStream implements Iterator<String>, AutoCloseable {
  private final Generation generation;
  private final StringBuilder piece;
  private final Consumer<GeneratedText> atEnd;
  private boolean closed;

  TextStream(Generation generation, StringBuilder piece, Consumer<GeneratedText> atEnd) {
    this.generation = generation;
    this.piece = piece;
    this.atEnd = atEnd;
  }

  /** Goes on until there is text, or the answer ends. */
  @Override
  public boolean hasNext() {
    while (piece.isEmpty() && !closed && generation.step()) {}
    return !piece.isEmpty();
  }

  @Override
  public String next() {
    if (!hasNext()) {
      throw new NoSuchElementException("the answer has ended");
    }
    String text = piece.toString();
    piece.setLength(0);
    return text;
  }

  /** The answer, so far where it has not ended. */
  public GeneratedText answer() {
    return generation.answers().getFirst().getFirst();
  }

  public GenerationSpeed speed() {
    return generation.speed();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      generation.cancel();
      atEnd.accept(answer());
    }
  }
}
