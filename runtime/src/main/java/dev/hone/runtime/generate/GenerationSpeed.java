package dev.hone.runtime.generate;

/**
 * How long reading and choosing took.
 *
 * @param promptTokens tokens of prompts that were read
 * @param promptNanos of the steps that read a prompt, and maybe went on with answers too
 * @param answerTokens tokens that were chosen in all other steps
 * @param answerNanos of these
 */
public record GenerationSpeed(
    long promptTokens, long promptNanos, long answerTokens, long answerNanos) {
  static final GenerationSpeed NONE = new GenerationSpeed(0, 0, 0, 0);

  GenerationSpeed plus(GenerationSpeed other) {
    return new GenerationSpeed(
        promptTokens + other.promptTokens,
        promptNanos + other.promptNanos,
        answerTokens + other.answerTokens,
        answerNanos + other.answerNanos);
  }

  /** Tokens a second. */
  public double promptRate() {
    return promptNanos == 0 ? 0 : 1e9 * promptTokens / promptNanos;
  }

  /** Tokens a second, of all sequences together. */
  public double answerRate() {
    return answerNanos == 0 ? 0 : 1e9 * answerTokens / answerNanos;
  }
}
