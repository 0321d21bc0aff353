package dev.hone.measure.report;

import dev.hone.measure.Speed;
import dev.hone.measure.Workload;

/** How large the work is that speed was measured on. */
public sealed interface Sizes {

  /** Of an encoder's texts. */
  record OfTexts(int shortTokens, int longTokens, int batchTexts, int batchTokens, int rounds)
      implements Sizes {
    @Override
    public String text() {
      return "a short text of %d tokens, a long one of %d, a batch of %d texts with %d tokens"
          .formatted(shortTokens, longTokens, batchTexts, batchTokens);
    }
  }

  /** Of a decoder's tokens. */
  record OfTokens(int generatedTokens, int promptTokens, int sequences, int rounds)
      implements Sizes {
    @Override
    public String text() {
      return ("%1$d tokens of one sequence, one after the other, a prompt of %2$d, %1$d tokens of"
              + " each of %3$d sequences together, every time with an empty cache")
          .formatted(generatedTokens, promptTokens, sequences);
    }
  }

  /** Rounds of texts or sequences together. */
  int rounds();

  /** In words. */
  String text();

  /** Of what was measured. */
  static Sizes of(Speed speed, Workload workload) {
    int rounds = speed.many().nanos().length;
    return switch (workload) {
      case Workload.OfTexts texts ->
          new OfTexts(
              texts.shortText().tokens(),
              texts.longText().tokens(),
              texts.batch().texts().size(),
              texts.batch().tokens(),
              rounds);
      case Workload.OfTokens tokens ->
          new OfTokens(tokens.generated(), tokens.prompt(), tokens.sequences(), rounds);
    };
  }
}
