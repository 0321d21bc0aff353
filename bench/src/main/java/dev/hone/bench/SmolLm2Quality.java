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
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * "SmolLM2 restored", its 4-bit grid dissolved, in GGUF: divergence from its F16 file over windows
 * of WikiText-2, as llama.cpp counts it; calibrated on the later half of the same text, where
 * llama.cpp's importance matrix is from, too.
 */
final class SmolLm2Quality {
  private static final String PUBLISHED =
      "assets/models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf";
  private static final int WINDOWS = 32;
  private static final int SIZE = 512;

  /** Enough of the text for all windows, and a part of what is kept from calibration. */
  private static final int CHARACTERS = 200_000;

  private SmolLm2Quality() {}

  static void measure(Path shared, int threads, int every, QualityLines lines) throws IOException {
    String text = Files.readString(shared.resolve("assets/text/wikitext2/wikitext-test.txt"));
    var calibration = new Compression.Texts(text.substring(text.length() / 2), WINDOWS, SIZE);
    var windows = new Windows(SIZE, SIZE, Math.max(1, WINDOWS / every));
    Path folder = Files.createTempDirectory("hone-quality-");
    KernelTier tier = KernelTier.select(Optional.empty()).tier();
    try {
      Path restored = folder.resolve("restored.gguf");
      DissolvedGrid.write(shared.resolve(PUBLISHED), restored);
      record Asked(Recipe recipe, double divergence, long bytes) {}
      for (Asked asked :
          List.of(
              new Asked(QualityRecipes.decoder("q4_1", Method.RTN), 0, 0),
              new Asked(QualityRecipes.decoder("q4_1", Method.GPTQ), 0.062, 98_362_432),
              new Asked(QualityRecipes.decoder("iq4_nl", Method.GPTQ), 0.095, 91_727_136))) {
        Path made = folder.resolve("made.gguf");
        long start = System.nanoTime();
        Compression.Result result =
            new Compression(restored, "SmolLM2 restored", asked.recipe(), made)
                .run(calibration, threads, tier, EncoderQuality::tell);
        double seconds = (System.nanoTime() - start) / 1e9;
        Divergence.Found found =
            divergence(restored, made, text.substring(0, CHARACTERS), windows, threads, tier);
        var line = lines.line(asked.recipe().name()).figure("tokens", found.tokens());
        double divergence = found.divergence(Bootstrap.STANDARD).value();
        if (asked.divergence() > 0) {
          line.atMost("meanDivergence", divergence, asked.divergence());
          line.atMost("fileBytes", result.bytesAfter(), asked.bytes());
        } else {
          line.figure("meanDivergence", divergence).figure("fileBytes", result.bytesAfter());
        }
        line.figure("sameTop", found.sameTop(Bootstrap.STANDARD).value())
            .figure("perplexity", found.perplexity(Bootstrap.STANDARD).value())
            .figure("referencePerplexity", found.referencePerplexity(Bootstrap.STANDARD).value())
            .figure("secondsToMake", seconds)
            .end();
        Files.delete(made);
      }
    } finally {
      ModelWriter.delete(folder);
    }
  }

  private static Divergence.Found divergence(
      Path reference, Path made, String text, Windows windows, int threads, KernelTier tier) {
    try (var pool = new ComputePool(threads);
        LanguageModel a = LanguageModel.load(reference, tier, ActivationType.F32, pool);
        LanguageModel b = LanguageModel.load(made, tier, ActivationType.F32, pool)) {
      return Divergence.of(a, b, text, windows, _ -> {}).secondHalf();
    }
  }
}
