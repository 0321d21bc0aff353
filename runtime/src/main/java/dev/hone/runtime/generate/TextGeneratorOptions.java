package dev.hone.runtime.generate;

import dev.hone.runtime.ActivationType;
import dev.hone.tensor.KeyValueType;
import dev.hone.tensor.kernel.KernelTier;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * How a text generator runs.
 *
 * @param threads threads that compute, the caller's among them
 * @param kernels the tier of kernels; the fastest that this CPU has where nothing is asked
 * @param activations what products with quantized weights read
 * @param chunkTokens tokens of prompts that are read at once
 * @param contextTokens tokens of a prompt and its answer at most; the model's own limit where
 *     nothing is asked
 * @param cacheBytes that keys and values of one call, or of one conversation, may take
 * @param cacheType what they are stored in
 * @param sequences that are advanced together
 * @param onWarning told, once and in one line each, of what makes the kernels slower than they
 *     could be, and of what the model's makers ask for that Hone does not do
 */
public record TextGeneratorOptions(
    int threads,
    Optional<KernelTier> kernels,
    ActivationType activations,
    int chunkTokens,
    OptionalInt contextTokens,
    long cacheBytes,
    KeyValueType cacheType,
    int sequences,
    Consumer<String> onWarning) {
  public TextGeneratorOptions {
    if (threads < 1
        || chunkTokens < 1
        || contextTokens.orElse(1) < 1
        || cacheBytes < 1
        || sequences < 1) {
      throw new IllegalArgumentException(
          "threads="
              + threads
              + ", chunkTokens="
              + chunkTokens
              + ", contextTokens="
              + contextTokens
              + ", cacheBytes="
              + cacheBytes
              + ", sequences="
              + sequences
              + ": all must be at least 1");
    }
  }

  /**
   * All processors, the fastest kernels, activations of 8 bits, prompts in chunks of 512 tokens, 4
   * GiB for keys and values in F32, 16 sequences at once, warnings logged.
   */
  public static TextGeneratorOptions defaults() {
    return new TextGeneratorOptions(
        Runtime.getRuntime().availableProcessors(),
        Optional.empty(),
        ActivationType.INT8,
        512,
        OptionalInt.empty(),
        4L << 30,
        KeyValueType.F32,
        16,
        warning -> System.getLogger("dev.hone").log(System.Logger.Level.WARNING, warning));
  }

  public TextGeneratorOptions threads(int count) {
    return new TextGeneratorOptions(
        count,
        kernels,
        activations,
        chunkTokens,
        contextTokens,
        cacheBytes,
        cacheType,
        sequences,
        onWarning);
  }

  public TextGeneratorOptions kernels(KernelTier tier) {
    return new TextGeneratorOptions(
        threads,
        Optional.of(tier),
        activations,
        chunkTokens,
        contextTokens,
        cacheBytes,
        cacheType,
        sequences,
        onWarning);
  }

  public TextGeneratorOptions activations(ActivationType type) {
    return new TextGeneratorOptions(
        threads,
        kernels,
        type,
        chunkTokens,
        contextTokens,
        cacheBytes,
        cacheType,
        sequences,
        onWarning);
  }

  public TextGeneratorOptions chunkTokens(int count) {
    return new TextGeneratorOptions(
        threads,
        kernels,
        activations,
        count,
        contextTokens,
        cacheBytes,
        cacheType,
        sequences,
        onWarning);
  }

  public TextGeneratorOptions contextTokens(int count) {
    return new TextGeneratorOptions(
        threads,
        kernels,
        activations,
        chunkTokens,
        OptionalInt.of(count),
        cacheBytes,
        cacheType,
        sequences,
        onWarning);
  }

  public TextGeneratorOptions cacheBytes(long bytes) {
    return new TextGeneratorOptions(
        threads,
        kernels,
        activations,
        chunkTokens,
        contextTokens,
        bytes,
        cacheType,
        sequences,
        onWarning);
  }

  public TextGeneratorOptions cacheType(KeyValueType type) {
    return new TextGeneratorOptions(
        threads,
        kernels,
        activations,
        chunkTokens,
        contextTokens,
        cacheBytes,
        type,
        sequences,
        onWarning);
  }

  public TextGeneratorOptions sequences(int count) {
    return new TextGeneratorOptions(
        threads,
        kernels,
        activations,
        chunkTokens,
        contextTokens,
        cacheBytes,
        cacheType,
        count,
        onWarning);
  }
}
