package dev.hone.compress;

import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.CalibrationTexts;
import dev.hone.model.Batch;
import dev.hone.model.Head;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.Beside;
import dev.hone.runtime.ModelTokenizer;
import dev.hone.tensor.FileArena;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import dev.hone.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Makes a smaller model of one on disk by a recipe, calibrated on texts, and writes it. Nothing but
 * one block's weights and inputs and what was made so far stands in memory. Stopped in the middle,
 * the same call goes on behind the last finished block and ends in the same bytes.
 *
 * @param source the model's folder or file
 * @param name of the model, as the user gave it
 * @param target a folder, or a file that ends in {@code .gguf}
 */
public record Compression(Path source, String name, Recipe recipe, Path target) {
  /** Texts of an encoder, or windows of a decoder, that suffice. */
  public static final int SAMPLES = 512;

  /** Tokens of a decoder's window. */
  public static final int WINDOW = 512;

  private static final String GGUF = ".gguf";

  /**
   * Texts to calibrate with.
   *
   * @param text its lines are an encoder's texts; a decoder reads windows of the whole
   * @param samples texts or windows at most
   * @param window tokens of a decoder's window, and of an encoder's text at most
   */
  public record Texts(String text, int samples, int window) {
    /** No texts: for recipes that need none. */
    public static final Texts NONE = new Texts("", 1, 1);
  }

  /**
   * What was made.
   *
   * @param notes what else is worth knowing of it, in sentences
   * @param tokens that were read to calibrate
   * @param bytesBefore of the files of the model's weights
   * @param bytesAfter likewise
   */
  public record Result(
      List<LayerChange> changes,
      List<String> notes,
      long tokens,
      long bytesBefore,
      long bytesAfter) {}

  /**
   * Makes and writes the model.
   *
   * @param threads that compute
   * @throws RecipeException where the recipe cannot work or its result cannot be written, before
   *     anything is
   */
  public Result run(Texts texts, int threads, KernelTier tier, Consumer<Progress> progress)
      throws IOException {
    boolean gguf = target.toString().endsWith(GGUF);
    refuse(gguf);
    try (Model model = Model.load(source)) {
      if (gguf && model.metadata().isEmpty()) {
        throw new RecipeException(
            target
                + " would have no tokenizer: a GGUF file is made of a GGUF file; name a folder for"
                + " safetensors");
      }
      if (!gguf && model.metadata().isPresent()) {
        throw new RecipeException(
            source
                + " is a GGUF file: so must be what is made of it; name a file that ends in .gguf");
      }
      boolean calibrated = !texts.text().isBlank();
      recipe.foresee(model.transformer(), calibrated).requireWritable(gguf);
      List<Batch> batches = calibrated ? batches(model, texts) : List.of();
      return make(model, gguf, batches, threads, tier, progress);
    }
  }

  private Result make(
      Model model,
      boolean gguf,
      List<Batch> batches,
      int threads,
      KernelTier tier,
      Consumer<Progress> progress)
      throws IOException {
    if (target.toAbsolutePath().getParent() != null) {
      Files.createDirectories(target.toAbsolutePath().getParent());
    }
    Path journal = beside("journal");
    Set<String> notes = new LinkedHashSet<>(); // once, however many passes say it
    try (var pool = new ComputePool(threads);
        Arena arena = new FileArena(beside("room"))) {
      var calibration =
          new Calibration(
              batches, tier.create(pool), pool, progress, notes::add, Optional.of(journal));
      Pass.Outcome outcome = recipe.apply(model.transformer(), calibration, arena);
      if (gguf) {
        GgufOutput.write(model, outcome.model(), target);
      } else {
        ModelWriter.write(
            model, outcome.model(), Provenance.of(name, recipe, outcome.changes()), target);
      }
      ModelWriter.delete(journal);
      return new Result(
          outcome.changes(),
          List.copyOf(notes),
          calibration.tokens(),
          model.weightFileBytes(),
          weightBytes(gguf));
    }
  }

  private Path beside(String what) {
    return target.toAbsolutePath().resolveSibling("." + target.getFileName() + "-" + what);
  }

  private void refuse(boolean gguf) {
    if (gguf && Files.exists(target)) {
      throw new RecipeException(target + " exists: name another file, or remove it");
    }
    if (gguf) {
      Beside.requireRoom(target);
    } else {
      ModelWriter.refuseForeign(target);
    }
  }

  /** Texts as the model reads them. */
  public static List<Batch> batches(Model model, Texts texts) {
    try (Tokenizer tokenizer = ModelTokenizer.load(model)) {
      int positions = model.transformer().embeddings().maxTokens();
      int window = Math.min(texts.window(), positions);
      if (model.transformer().head() instanceof Head.NextToken) {
        return CalibrationTexts.windows(texts.text(), texts.samples(), window, tokenizer);
      }
      int most =
          model.text().maxTokens().orElseGet(() -> tokenizer.modelMaxTokens().orElse(positions));
      List<String> lines = texts.text().lines().filter(line -> !line.isBlank()).toList();
      return CalibrationTexts.texts(lines, texts.samples(), tokenizer, Math.min(window, most));
    }
  }

  private long weightBytes(boolean gguf) {
    if (gguf) {
      try {
        return Files.size(target);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    try (Model made = Model.load(target)) {
      return made.weightFileBytes();
    }
  }
}
