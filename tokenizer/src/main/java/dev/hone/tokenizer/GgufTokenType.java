package dev.hone.tokenizer;

import java.util.Arrays;

/** What a token of a GGUF file is, under its number there. */
enum GgufTokenType {
  NORMAL(1),
  UNKNOWN(2),
  /** No text: it is made by the template, never by what a user writes. */
  CONTROL(3),
  /** Found in a text before anything else. */
  USER_DEFINED(4),
  UNUSED(5),
  /** {@code <0x0A>}: stands for a byte that nothing else stands for. */
  BYTE(6);

  private final int number;

  GgufTokenType(int number) {
    this.number = number;
  }

  /** The type of that number; NORMAL for 0, which old files have. */
  static GgufTokenType of(int number) {
    return Arrays.stream(values()).filter(type -> type.number == number).findFirst().orElse(NORMAL);
  }
}
