package dev.hone.cli;

import dev.hone.compress.Provenance;
import dev.hone.model.Blocks;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.gguf.GgufModelWriter;
import dev.hone.model.format.gguf.GgufWriter;
import dev.hone.model.format.gguf.MetadataValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Tiny models of random weights, which runtime's tests hold. */
final class TinyModels {
  private static final Path ALL =
      Path.of(
          System.getProperty("hone.root"), "runtime/src/test/resources/dev/hone/runtime/pipelines");

  private TinyModels() {}

  /** Puts a decoder together whose tokens are bytes, with a template for chat. */
  static Path chat(Path into) throws IOException {
    Path root = Path.of(System.getProperty("hone.root"));
    Path weights = root.resolve("measure/src/test/resources/dev/hone/measure/goldens/llama");
    Path tokenizer = root.resolve("runtime/src/test/resources/dev/hone/runtime/decoder");
    Path model = Files.createDirectory(into.resolve("chat-model"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(weights.resolve(name), model.resolve(name));
    }
    for (String name : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      Files.copy(tokenizer.resolve(name), model.resolve(name));
    }
    return model;
  }

  /** Puts a model's folder together in another folder. */
  static Path copy(String name, Path into) throws IOException {
    Path model = into.resolve(name);
    try (Stream<Path> files = Files.walk(ALL.resolve(name))) {
      for (Path file : files.toList()) {
        Files.copy(file, model.resolve(ALL.resolve(name).relativize(file)));
      }
    }
    Files.copy(ALL.resolve("tokenizer.json"), model.resolve("tokenizer.json"));
    return model;
  }

  /** An embedder of many blocks: work on it takes a while. */
  static Path deep(int blocks, Path into) throws IOException {
    try (Model model = Model.load(copy("embed-mean", into))) {
      List<Integer> again =
          IntStream.range(0, blocks)
              .mapToObj(i -> i % model.transformer().blocks().size())
              .toList();
      ModelWriter.write(
          model,
          Blocks.of(model.transformer(), again),
          Provenance.of("embed-mean"),
          into.resolve("deep"));
    }
    return into.resolve("deep");
  }

  /** A decoder that reads texts byte by byte, as GGUF. */
  static Path decoder(Path file) throws IOException {
    Path llama =
        Path.of(
            System.getProperty("hone.root"),
            "measure/src/test/resources/dev/hone/measure/goldens/llama");
    List<String> tokens = new ArrayList<>();
    for (int b = 0, other = 256; b < 256; b++) {
      // The alphabet of byte-level BPE: printable bytes stand for themselves.
      boolean printable = b > 32 && b < 127 || b > 160 && b != 173;
      tokens.add(Character.toString(printable ? b : other++));
    }
    Map<String, MetadataValue> metadata =
        Map.of(
            "tokenizer.ggml.model",
            GgufWriter.text("gpt2"),
            "tokenizer.ggml.pre",
            GgufWriter.text("gpt-2"),
            "tokenizer.ggml.tokens",
            GgufWriter.texts(tokens),
            "tokenizer.ggml.merges",
            GgufWriter.texts(List.of()));
    try (Model model = Model.load(llama)) {
      GgufModelWriter.write(file, model.config(), model.transformer(), metadata);
    }
    return file;
  }
}
