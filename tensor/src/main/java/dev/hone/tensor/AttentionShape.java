package dev.hone.tensor;

/**
 * What softmax attention needs to know beside its tensors.
 *
 * @param heads query heads
 * @param kvHeads key and value heads; query head h reads key head h / (heads / kvHeads)
 * @param headDim columns of one head
 * @param scale factor on the scores
 * @param softCap scores s become {@code softCap tanh(s / softCap)}; 0: they stay. Gemma Team,
 *     "Gemma 2: Improving Open Language Models at a Practical Size", section 2
 * @param rounding whether values and their weights may be rounded to BF16, queries and keys to
 *     twice its width: where the linear layers around round their inputs anyway
 */
public record AttentionShape(
    int heads, int kvHeads, int headDim, float scale, float softCap, boolean rounding) {
  public AttentionShape {
    if (heads <= 0 || kvHeads <= 0 || heads % kvHeads != 0 || headDim <= 0) {
      throw new IllegalArgumentException(
          "heads="
              + heads
              + ", kvHeads="
              + kvHeads
              + ", headDim="
              + headDim
              + ": heads must be a positive multiple of kvHeads, headDim positive");
    }
    if (!(softCap >= 0)) {
      throw new IllegalArgumentException("softCap=" + softCap + ": must not be negative");
    }
  }

  /** At the accuracy of F32. */
  public AttentionShape(int heads, int kvHeads, int headDim, float scale, float softCap) {
    this(heads, kvHeads, headDim, scale, softCap, false);
  }

  /** Without a cap on the scores. */
  public AttentionShape(int heads, int kvHeads, int headDim, float scale) {
    this(heads, kvHeads, headDim, scale, 0);
  }

  /** The same at another accuracy. */
  public AttentionShape rounding(boolean rounds) {
    return new AttentionShape(heads, kvHeads, headDim, scale, softCap, rounds);
  }

  /** As many key heads as query heads, scores divided by the root of the head's width. */
  public static AttentionShape of(int heads, int headDim) {
    return new AttentionShape(heads, heads, headDim, (float) (1 / Math.sqrt(headDim)));
  }
}
