package dev.hone.compress;

import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.CalibrationTexts;
import dev.hone.model.Batch;
import dev.hone.model.Head;
import dev.hone.model.Linear;
import dev.hone.model.Transformer;
import dev.hone.model.Widths;
import dev.hone.model.architecture.LayerCount;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.gguf.GgufModelWriter;
import dev.hone.model.format.gguf.Metadata;
import dev.hone.model.format.gguf.MetadataKind;
import dev.hone.model.format.gguf.MetadataValue;
import dev.hone.runtime.ModelTokenizer;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import dev.hone.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
  private static final String FILE_TYPE = "general.file_type";

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
   * @param tokens that were read to calibrate
   * @param bytesBefore of the files of the model's weights
   * @param bytesAfter likewise
   */
  public record Result(List<LayerChange> changes, long tokens, long bytesBefore, long bytesAfter) {}

  /**
   * Makes and writes the model.
   *
   * @param threads that compute
   */
  public Result run(Texts texts, int threads, KernelTier tier, Consumer<Progress> progress)
      throws IOException {
    boolean gguf = target.toString().endsWith(GGUF);
    refuse(gguf);
    Path journal = target.toAbsolutePath().resolveSibling("." + target.getFileName() + "-journal");
    try (Model model = Model.load(source);
        var pool = new ComputePool(threads);
        Arena arena = Arena.ofShared()) {
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
      var calibration =
          new Calibration(
              texts.text().isBlank() ? List.of() : batches(model, texts),
              tier.create(pool),
              pool,
              progress,
              Optional.of(journal));
      Pass.Outcome outcome = recipe.apply(model.transformer(), calibration, arena);
      if (gguf) {
        Set<Widths> widths = Set.copyOf(Widths.of(outcome.model()));
        if (!widths.equals(Set.copyOf(Widths.of(model.transformer())))) {
          throw new RecipeException(
              target
                  + ": a GGUF file with layers of different widths is not written yet; remove"
                  + " heads and neurons of a safetensors folder");
        }
        refuseInputs(outcome.model());
        GgufModelWriter.write(
            target,
            LayerCount.config(model.config(), model.transformer(), outcome.model()),
            outcome.model(),
            keys(model.metadata().orElseThrow(), outcome.model()));
      } else {
        ModelWriter.write(
            model, outcome.model(), Provenance.of(name, recipe, outcome.changes()), target);
      }
      ModelWriter.delete(journal);
      return new Result(
          outcome.changes(), calibration.tokens(), model.weightFileBytes(), weightBytes(gguf));
    }
  }

  /** A GGUF file has no place for what products read. */
  private void refuseInputs(Transformer model) {
    for (Linear layer : model.linears()) {
      if (!layer.input().equals(Input.FLOAT)) {
        throw new RecipeException(
            target
                + ": "
                + layer.weight().name()
                + " reads its input as "
                + layer.input().label()
                + ", which a GGUF file cannot say; leave that out, and run it with --activations");
      }
    }
  }

  private void refuse(boolean gguf) throws IOException {
    if (gguf && Files.exists(target)) {
      throw new RecipeException(target + " exists: name another file, or remove it");
    }
    if (!gguf) {
      ModelWriter.refuseForeign(target);
    }
    if (target.toAbsolutePath().getParent() != null) {
      Files.createDirectories(target.toAbsolutePath().getParent());
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

  /** The tokenizer and what else the original file says of itself, and the type of most weights. */
  private static Map<String, MetadataValue> keys(Metadata original, Transformer made) {
    Map<String, MetadataValue> keys = new LinkedHashMap<>();
    original
        .values()
        .forEach(
            (key, value) -> {
              if (key.startsWith("tokenizer.") || key.startsWith("general.")) {
                keys.put(key, value);
              }
            });
    keys.put(FILE_TYPE, new MetadataValue.Whole(MetadataKind.UINT32, fileType(largest(made))));
    return keys;
  }

  /** The type that most weights have. */
  private static DType largest(Transformer model) {
    Map<DType, Long> bytes = new LinkedHashMap<>();
    model
        .with(new Head.HiddenStates())
        .weights()
        .forEach(w -> bytes.merge(w.tensor().dtype(), w.tensor().size(), Long::sum));
    return bytes.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
  }

  /** {@code llama_ftype} of llama.cpp's {@code llama.h}. */
  private static int fileType(DType type) {
    return switch (type) {
      case Block b ->
          switch (b) {
            case Q4_0 -> 2;
            case Q4_1 -> 3;
            case Q8_0 -> 7;
            case Q5_0 -> 8;
            case Q5_1 -> 9;
            case Q2_K -> 10;
            case Q3_K -> 12;
            case Q4_K -> 15;
            case Q5_K -> 17;
            case Q6_K -> 18;
            case IQ4_NL -> 25;
          };
      case Plain p when p == Plain.F32 -> 0;
      case Plain p when p == Plain.BF16 -> 32;
      case Plain _, DType.Affine _ -> 1;
    };
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
