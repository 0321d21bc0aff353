package dev.hone.bench;

import dev.hone.compress.Compression;
import dev.hone.compress.Recipe;
import dev.hone.compress.quantize.Rounding.Method;
import dev.hone.measure.Bootstrap;
import dev.hone.measure.language.DissolvedGrid;
import dev.hone.measure.language.Divergence;
import dev.hone.measure.language.LanguageModel;
import dev.hone.measure.language.Windows;
import dev.hone.model.folder.ModelWriter;
import dev.hone.runtime.ActivationType;
import dev.hone.tensor.KeyValueType;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * "SmolLM2 restored", its 4-bit grid dissolved, in GGUF: divergence from its F16 file over windows
 * of WikiText-2, as llama.cpp counts it; calibrated on the later half of the same text, where
 * llama.cpp's importance matrix is from, too.
 */
final class SmolLm2Quality {
  static final String PUBLISHED =
      "assets/models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf";
  private static final int WINDOWS = 32;
  private static final int CALIBRATION = 64;
  private static final int SIZE = 512;

  /** Enough of the text for all windows, and a part of what is kept from calibration. */
  private static final int CHARACTERS = 200_000;

  /** What llama.cpp's files reach with an importance matrix, and how much worse ours may be. */
  private static final double PEERS = 1.05;

  private final Path restored;
  private final Path made;
  private final String text;
  private final Compression.Texts calibration;
  private final Windows windows;
  private final int threads;
  private final KernelTier tier = KernelTier.select(Optional.empty()).tier();
  private final QualityLines lines;

  private SmolLm2Quality(Path shared, Path folder, int threads, int every, QualityLines lines)
      throws IOException {
    this.restored = folder.resolve("restored.gguf");
    this.made = folder.resolve("made.gguf");
    this.text = Files.readString(shared.resolve("assets/text/wikitext2/wikitext-test.txt"));
    this.calibration =
        new Compression.Texts(
            text.substring(text.length() / 2), Math.max(1, CALIBRATION / every), SIZE);
    this.windows = new Windows(SIZE, SIZE, Math.max(1, WINDOWS / every));
    this.threads = threads;
    this.lines = lines;
    DissolvedGrid.write(shared.resolve(PUBLISHED), restored);
  }

  @FunctionalInterface
  private interface Lines {
    void of(SmolLm2Quality quality) throws IOException;
  }

  private static void in(Path shared, int threads, int every, QualityLines lines, Lines measured)
      throws IOException {
    Path folder = Files.createTempDirectory("hone-quality-");
    try {
      measured.of(new SmolLm2Quality(shared, folder, threads, every, lines));
    } finally {
      ModelWriter.delete(folder);
    }
  }

  /** Weights in fewer bits. */
  static void measure(Path shared, int threads, int every, QualityLines lines) throws IOException {
    in(
        shared,
        threads,
        every,
        lines,
        quality -> {
          quality.line(QualityRecipes.decoder("q4_1", Method.RTN), 0, 0);
          quality.line(QualityRecipes.decoder("q4_1", Method.REFIT), PEERS * 0.0798, 0);
          quality.line(QualityRecipes.decoder("iq4_nl", Method.REFIT), PEERS * 0.1257, 0);
          quality.line(QualityRecipes.decoder("q4_0", Method.REFIT), PEERS * 0.1977, 0);
          quality.line(QualityRecipes.decoder("q4_1", Method.GPTQ), 0, 0);
          quality.mixed(91_726_912, 0.095);
          quality.mixed(98_362_432, 0.062);
          quality.mixed(105_454_368, 0.045);
        });
  }

  /** Half of the weights zero: what looks at texts must be nearer than magnitude. */
  static void sparse(Path shared, int threads, int every, QualityLines lines) throws IOException {
    in(
        shared,
        threads,
        every,
        lines,
        quality -> {
          for (String sparsity : List.of("50%", "2:4")) {
            double magnitude = 0;
            for (Recipe recipe : QualityRecipes.sparse(sparsity)) {
              double found = quality.line(recipe, magnitude, 0);
              magnitude = magnitude == 0 ? found : magnitude;
            }
          }
        });
  }

  /** The weights as they are, keys and values stored in fewer bits. */
  static void cache(Path shared, int threads, int every, QualityLines lines) throws IOException {
    in(
        shared,
        threads,
        every,
        lines,
        quality -> {
          for (KeyValueType type : List.of(KeyValueType.F16, KeyValueType.INT8)) {
            Divergence.Found found = quality.divergence(quality.restored, type);
            quality.end(found, lines.line("cache " + type.name().toLowerCase(Locale.ROOT)));
          }
        });
  }

  private void mixed(long bytes, double most) throws IOException {
    line(QualityRecipes.mixed(restored, bytes), most, bytes);
  }

  /**
   * Makes a model, and measures it.
   *
   * @param most divergence, 0: no bound
   * @param bytes of the file at most, 0: no bound
   */
  private double line(Recipe recipe, double most, long bytes) throws IOException {
    long start = System.nanoTime();
    Compression.Result result =
        new Compression(restored, "SmolLM2 restored", recipe, made)
            .run(calibration, threads, tier, EncoderQuality::tell);
    double seconds = (System.nanoTime() - start) / 1e9;
    Divergence.Found found = divergence(made, KeyValueType.F32);
    double divergence = found.divergence(Bootstrap.STANDARD).value();
    var line = lines.line(recipe.name());
    if (most > 0) {
      line.atMost("meanDivergence", divergence, most);
    }
    if (bytes > 0) {
      line.atMost("fileBytes", result.bytesAfter(), bytes);
    } else {
      line.figure("fileBytes", result.bytesAfter());
    }
    end(found, line.figure("secondsToMake", seconds));
    Files.delete(made);
    return divergence;
  }

  private static void end(Divergence.Found found, QualityLines.Line line) {
    line.figure("tokens", found.tokens())
        .figure("meanDivergence", found.divergence(Bootstrap.STANDARD).value())
        .figure("sameTop", found.sameTop(Bootstrap.STANDARD).value())
        .figure("perplexity", found.perplexity(Bootstrap.STANDARD).value())
        .figure("referencePerplexity", found.referencePerplexity(Bootstrap.STANDARD).value())
        .end();
  }

  /** Of a model whose keys and values are stored so. */
  private Divergence.Found divergence(Path model, KeyValueType cache) {
    try (var pool = new ComputePool(threads);
        LanguageModel a = LanguageModel.load(restored, tier, ActivationType.F32, pool);
        LanguageModel b = LanguageModel.load(model, tier, ActivationType.F32, pool, cache)) {
      return Divergence.of(a, b, text.substring(0, CHARACTERS), windows, _ -> {}).secondHalf();
    }
  }
}
