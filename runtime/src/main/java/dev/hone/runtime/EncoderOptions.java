package dev.hone.runtime;

import dev.hone.tensor.kernel.KernelTier;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * How an encoder runs.
 *
 * @param threads threads that compute, the caller's among them
 * @param kernels the tier of kernels; the fastest that this CPU has where nothing is asked
 * @param tokenBudget tokens for each thread that are packed into one batch
 * @param maxTokens tokens of a text that are read; the model's own limit where nothing is asked
 * @param onCut told of every text that was longer
 * @param onWarning told, once and in one line each, of what makes the kernels slower than they
 *     could be, and of what a folder leaves open and was assumed
 */
public record EncoderOptions(
    int threads,
    Optional<KernelTier> kernels,
    int tokenBudget,
    OptionalInt maxTokens,
    Consumer<Cut> onCut,
    Consumer<String> onWarning) {
  public EncoderOptions {
    if (threads < 1 || tokenBudget < 1) {
      throw new IllegalArgumentException(
          "threads=" + threads + ", tokenBudget=" + tokenBudget + ": both must be at least 1");
    }
    if (maxTokens.isPresent() && maxTokens.getAsInt() < 3) {
      throw new IllegalArgumentException("maxTokens=" + maxTokens.getAsInt() + ": at least 3");
    }
  }

  /**
   * All processors, the fastest kernels, 1024 tokens a thread and batch, cut texts and warnings
   * logged.
   */
  public static EncoderOptions defaults() {
    return new EncoderOptions(
        Runtime.getRuntime().availableProcessors(),
        Optional.empty(),
        1024,
        OptionalInt.empty(),
        cut -> System.getLogger("dev.hone").log(System.Logger.Level.WARNING, cut.toString()),
        warning -> System.getLogger("dev.hone").log(System.Logger.Level.WARNING, warning));
  }

  public EncoderOptions threads(int count) {
    return new EncoderOptions(count, kernels, tokenBudget, maxTokens, onCut, onWarning);
  }

  public EncoderOptions kernels(KernelTier tier) {
    return new EncoderOptions(threads, Optional.of(tier), tokenBudget, maxTokens, onCut, onWarning);
  }

  public EncoderOptions tokenBudget(int tokens) {
    return new EncoderOptions(threads, kernels, tokens, maxTokens, onCut, onWarning);
  }

  public EncoderOptions maxTokens(int tokens) {
    return new EncoderOptions(
        threads, kernels, tokenBudget, OptionalInt.of(tokens), onCut, onWarning);
  }

  public EncoderOptions onCut(Consumer<Cut> listener) {
    return new EncoderOptions(threads, kernels, tokenBudget, maxTokens, listener, onWarning);
  }

  public EncoderOptions onWarning(Consumer<String> listener) {
    return new EncoderOptions(threads, kernels, tokenBudget, maxTokens, onCut, listener);
  }
}
