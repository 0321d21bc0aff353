package dev.hone.tokenizer;

/** Where the code points of a text stand among its {@code char}s. */
final class CharIndex {

  /** Index of each code point and the text's length; {@code null} where the two counts are one. */
  private final int[] indices;

  private CharIndex(int[] indices) {
    this.indices = indices;
  }

  /** The index of a well-formed text; of {@code null}, one that is never asked. */
  static CharIndex of(String text) {
    int points = text == null ? 0 : text.codePointCount(0, text.length());
    if (text == null || points == text.length()) {
      return new CharIndex(null);
    }
    int[] indices = new int[points + 1];
    for (int point = 0, index = 0; point < points; point++) {
      indices[point] = index;
      index += Character.charCount(text.codePointAt(index));
    }
    indices[points] = text.length();
    return new CharIndex(indices);
  }

  int ofCodePoint(int point) {
    return indices == null ? point : indices[point];
  }
}
