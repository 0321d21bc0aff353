package dev.hone.bench;

import dev.hone.compress.Compression;
import dev.hone.compress.Progress;
import dev.hone.compress.Recipe;
import dev.hone.model.folder.ModelWriter;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Compresses an encoder as a user does: written to a folder, loaded again, asked. */
final class EncoderQuality {
  private final Path source;
  private final Compression.Texts texts;
  private final int threads;

  /**
   * Prepares.
   *
   * @param texts to calibrate with, apart from those that quality is measured on
   */
  EncoderQuality(Path source, Compression.Texts texts, int threads) {
    this.source = source;
    this.texts = texts;
    this.threads = threads;
  }

  /** What a compressed model is like. */
  record Measured<R>(R answers, long fileBytes, double seconds) {}

  EncoderOptions options() {
    return EncoderOptions.defaults().threads(threads).onCut(_ -> {});
  }

  <R> R original(Function<Encoder, R> ask) {
    try (Encoder encoder = Encoder.load(source, options())) {
      return ask.apply(encoder);
    }
  }

  <R> Measured<R> compressed(Recipe recipe, Function<Encoder, R> ask) throws IOException {
    Path folder = Files.createTempDirectory("hone-quality-");
    try {
      Path target = folder.resolve("model");
      long start = System.nanoTime();
      Compression.Result result =
          new Compression(source, source.toString(), recipe, target)
              .run(
                  texts, threads, KernelTier.select(Optional.empty()).tier(), EncoderQuality::tell);
      double seconds = (System.nanoTime() - start) / 1e9;
      try (Encoder encoder = Encoder.load(target, options())) {
        return new Measured<>(ask.apply(encoder), result.bytesAfter(), seconds);
      }
    } finally {
      ModelWriter.delete(folder);
    }
  }

  static void tell(Progress progress) {
    System.err.println(progress.what() + ", " + progress.left().toSeconds() + " s left");
  }

  /** Every nth of a list. */
  static <T> List<T> every(int nth, List<T> all) {
    return IntStream.range(0, (all.size() + nth - 1) / nth)
        .mapToObj(i -> all.get(i * nth))
        .toList();
  }
}
