package dev.hone.cli;

import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.kernel.KernelTier;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What a command computes with. */
final class ComputeOptions {
  /** The names of all of them. */
  static final String[] NAMES = {"--threads", "--kernels"};

  @Option(names = "--threads", description = "Threads that compute (default: all processors).")
  private Integer threads;

  @Option(
      names = "--kernels",
      description = "Tier of kernels: ${COMPLETION-CANDIDATES} (default: the fastest here).")
  private KernelTier kernels;

  int threads() {
    if (threads != null && threads < 1) {
      throw new WrongInput("--threads=" + threads + " must be at least 1");
    }
    return threads == null ? EncoderOptions.defaults().threads() : threads;
  }

  Optional<KernelTier> kernels() {
    return Optional.ofNullable(kernels);
  }

  /** The tier that is asked for or the fastest here; what makes it slow is told. */
  KernelTier tier(Terminal terminal) {
    KernelTier.Selection selection = KernelTier.select(kernels());
    selection.warnings().forEach(terminal::warn);
    return selection.tier();
  }
}
