package dev.hone.compress;

import dev.hone.model.folder.Model;
import dev.hone.model.format.gguf.GgufModelWriter;
import dev.hone.model.format.gguf.GgufWriter;
import dev.hone.model.format.gguf.MetadataValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Small embedders and decoders of random weights, and texts for them. */
public final class TinyModel {
  private static final String[] WORDS = {
    "love", "king", "night", "sword", "the", "and", "of", "crown", "sleep", "blood", "rose", "speak"
  };

  private static final String GOLDENS = "measure/src/test/resources/dev/hone/measure/goldens";

  private TinyModel() {}

  /** The model in a folder of its own. */
  public static Path in(Path folder) {
    return in(folder, "embed-mean");
  }

  /** Another of the pipelines' models in a folder of its own. */
  public static Path in(Path folder, String pipeline) {
    Path pipelines =
        Path.of(
            System.getProperty("hone.root"),
            "runtime/src/test/resources/dev/hone/runtime/pipelines");
    Path model = folder.resolve("tiny-" + pipeline);
    try (Stream<Path> files = Files.walk(pipelines.resolve(pipeline))) {
      for (Path file : files.toList()) {
        Files.copy(file, model.resolve(pipelines.resolve(pipeline).relativize(file)));
      }
      Files.copy(pipelines.resolve("tokenizer.json"), model.resolve("tokenizer.json"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return model;
  }

  /**
   * A decoder in a folder of its own, whose tokens are bytes.
   *
   * @param architecture {@code llama} or {@code gpt2}
   */
  public static Path decoder(Path folder, String architecture) {
    Path root = Path.of(System.getProperty("hone.root"));
    Path weights = root.resolve(GOLDENS).resolve(architecture);
    Path tokenizer = root.resolve("runtime/src/test/resources/dev/hone/runtime/decoder");
    try {
      Path model = Files.createDirectory(folder.resolve("tiny-" + architecture));
      for (String name : List.of("config.json", "model.safetensors")) {
        Files.copy(weights.resolve(name), model.resolve(name));
      }
      for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
        Files.copy(tokenizer.resolve(name), model.resolve(name));
      }
      return model;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The same llama as a GGUF file. */
  public static Path gguf(Path file) {
    List<String> tokens = new ArrayList<>();
    for (int b = 0, other = 256; b < 256; b++) {
      // The alphabet of byte-level BPE: printable bytes stand for themselves.
      boolean printable = b > 32 && b < 127 || b > 160 && b != 173;
      tokens.add(Character.toString(printable ? b : other++));
    }
    Map<String, MetadataValue> keys =
        Map.of(
            "tokenizer.ggml.model", GgufWriter.text("gpt2"),
            "tokenizer.ggml.pre", GgufWriter.text("gpt-2"),
            "tokenizer.ggml.tokens", GgufWriter.texts(tokens),
            "tokenizer.ggml.merges", GgufWriter.texts(List.of()));
    try (Model model =
        Model.load(Path.of(System.getProperty("hone.root")).resolve(GOLDENS).resolve("llama"))) {
      GgufModelWriter.write(file, model.config(), model.transformer(), keys);
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Texts of 3 to 30 words. */
  public static List<String> texts(int count, long seed) {
    var random = new Random(seed);
    return IntStream.range(0, count)
        .mapToObj(
            _ ->
                String.join(
                    " ",
                    IntStream.range(0, 3 + random.nextInt(28))
                        .mapToObj(_ -> WORDS[random.nextInt(WORDS.length)])
                        .toList()))
        .toList();
  }
}
