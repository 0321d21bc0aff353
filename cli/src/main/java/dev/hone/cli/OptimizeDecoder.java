package dev.hone.cli;

import dev.hone.compress.search.LanguageQuality;
import dev.hone.compress.search.LanguageQuality.Loss;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How {@code hone optimize} measures what a decoder loses. */
final class OptimizeDecoder {
  /** The names of all options. */
  static final String[] NAMES = {"--window", "--windows"};

  private static final String PERPLEXITY = "perplexity";

  @Option(
      names = "--window",
      defaultValue = "512",
      description =
          "Of a decoder: tokens of a window, each read for itself (default: ${DEFAULT-VALUE}).")
  private int window;

  @Option(
      names = "--windows",
      defaultValue = "64",
      description =
          "Of a decoder: windows to choose by, and as many to report by, spread evenly over the"
              + " text (default: ${DEFAULT-VALUE} at most).")
  private int windows;

  /**
   * What is measured.
   *
   * @param task null: the divergence
   * @param eval null: every other window of the data
   */
  LanguageQuality quality(String task, Path data, Path eval) {
    if (task != null && !task.equals(PERPLEXITY)) {
      throw new WrongInput(
          "--task="
              + task
              + " is an encoder's, and the model is a decoder: leave it away to measure the"
              + " divergence of its predictions, or take --task perplexity");
    }
    if (data == null) {
      throw new WrongInput("a decoder needs --data FILE, a text like those that it goes on with");
    }
    if (windows < 1) {
      throw new WrongInput("--windows=" + windows + " must be at least 1");
    }
    var texts =
        new LanguageQuality.Texts(
            WindowOptions.text("--data", data),
            eval == null ? null : WindowOptions.text("--eval", eval),
            eval == null
                ? data + ", windows to choose by and to report by in turn"
                : data + " to choose by, " + eval + " to report by",
            window,
            windows);
    return new LanguageQuality(task == null ? Loss.DIVERGENCE : Loss.PERPLEXITY, texts);
  }
}
