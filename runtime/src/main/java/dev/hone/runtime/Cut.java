package dev.hone.runtime;

/**
 * A text that was longer than the model reads.
 *
 * @param text its index among the texts of the call
 * @param tokens what it would have taken
 * @param limit what was read
 */
public record Cut(int text, int tokens, int limit) {
  @Override
  public String toString() {
    return "text " + text + " was cut: it takes " + tokens + " tokens, the model reads " + limit;
  }
}
