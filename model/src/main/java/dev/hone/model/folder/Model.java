package dev.hone.model.folder;

import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.architecture.Architectures;
import dev.hone.model.architecture.LayerInputs;
import dev.hone.model.architecture.LayerWidths;
import dev.hone.model.architecture.Layers;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.Formats;
import dev.hone.model.format.gguf.GgufCheckpoint;
import dev.hone.model.format.gguf.Metadata;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * A model in its folder: the record tree and what stands beside the weights. It owns the memory of
 * its weights: what was made from them must be closed first.
 */
public final class Model implements AutoCloseable {
  private final Path source;
  private final Path encoderFolder;
  private final Config config;
  private final Transformer transformer;
  private final TextSettings text;
  private final List<String> unused;
  private final long weightFileBytes;
  private final Optional<Metadata> metadata;
  private final Arena arena;

  private Model(
      Path source,
      Path encoderFolder,
      Config config,
      Transformer transformer,
      TextSettings text,
      List<String> unused,
      long weightFileBytes,
      Optional<Metadata> metadata,
      Arena arena) {
    this.source = source;
    this.encoderFolder = encoderFolder;
    this.config = config;
    this.transformer = transformer;
    this.text = text;
    this.unused = unused;
    this.weightFileBytes = weightFileBytes;
    this.metadata = metadata;
    this.arena = arena;
  }

  /**
   * Reads a folder, or a weight file with its {@code config.json} beside it; a GGUF file says
   * itself what is in it.
   */
  public static Model load(Path source) {
    Arena arena = Arena.ofShared();
    try {
      return read(source, arena);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  private static Model read(Path source, Arena arena) {
    Path folder = folderOf(source);
    if (Formats.describesItself(source)) {
      return read(source, folder, Formats.open(source, arena), arena);
    }
    Optional<SentenceTransformerConfig> sentence = SentenceTransformerConfig.read(folder, arena);
    Path encoder = folder.resolve(sentence.map(SentenceTransformerConfig::encoder).orElse(""));
    Config config = Config.read(encoder.resolve("config.json"));
    Checkpoint checkpoint = Formats.open(source.equals(folder) ? encoder : source, arena);
    Transformer transformer =
        LayerInputs.read(
            config,
            withHead(LayerWidths.read(config, new Layers(checkpoint, arena)), sentence, folder));
    return new Model(
        source,
        encoder,
        config,
        transformer,
        sentence.map(TextSettings::of).orElseGet(TextSettings::none),
        unused(checkpoint, transformer),
        checkpoint.fileBytes()
            + sentence.map(SentenceTransformerConfig::weightFileBytes).orElse(0L),
        Optional.empty(),
        arena);
  }

  private static Model read(Path source, Path folder, Checkpoint checkpoint, Arena arena) {
    Config config = checkpoint.config().orElseThrow();
    Transformer transformer = Architectures.of(config).read(config, new Layers(checkpoint, arena));
    return new Model(
        source,
        folder,
        config,
        transformer,
        TextSettings.none(),
        unused(checkpoint, transformer),
        checkpoint.fileBytes(),
        checkpoint instanceof GgufCheckpoint file
            ? Optional.of(file.gguf().metadata())
            : Optional.empty(),
        arena);
  }

  private static Transformer withHead(
      Transformer transformer, Optional<SentenceTransformerConfig> sentence, Path folder) {
    if (sentence.isEmpty()) {
      return transformer;
    }
    if (sentence.get().hidden() != transformer.hidden()) {
      throw new FormatException(
          folder.resolve("modules.json")
              + ": the pooling takes vectors of "
              + sentence.get().hidden()
              + " numbers, the encoder makes "
              + transformer.hidden());
    }
    return transformer.with(sentence.get().head());
  }

  private static Path folderOf(Path source) {
    return Files.isDirectory(source) ? source : source.toAbsolutePath().getParent();
  }

  private static List<String> unused(Checkpoint checkpoint, Transformer transformer) {
    var names = new TreeSet<>(checkpoint.names());
    for (Weight weight : transformer.weights()) {
      if (!names.remove(weight.name()) && !weight.name().contains("/")) {
        // It stands there under the name of what shares it.
        names.removeIf(n -> checkpoint.tensor(n).data().equals(weight.tensor().data()));
      }
    }
    return List.copyOf(names);
  }

  /** The folder or file it was read from. */
  public Path source() {
    return source;
  }

  public Path folder() {
    return folderOf(source);
  }

  /**
   * The folder of {@code config.json}, weights and tokenizer: {@link #folder} itself, or a
   * subfolder where sentence-transformers' {@code modules.json} says so.
   */
  public Path encoderFolder() {
    return encoderFolder;
  }

  /** The encoder's {@code config.json}. */
  public Config config() {
    return config;
  }

  public Transformer transformer() {
    return transformer;
  }

  /** What the folder says of the texts the model reads. */
  public TextSettings text() {
    return text;
  }

  /** The keys of a GGUF file, the tokenizer's among them; empty for every other model. */
  public Optional<Metadata> metadata() {
    return metadata;
  }

  /**
   * Names of the checkpoint's tensors that the model does not use, such as a pooler nobody asks.
   */
  public List<String> unused() {
    return unused;
  }

  /** Bytes of memory that its weights take: mapped files, and what was converted while reading. */
  public long sizeBytes() {
    return weightFileBytes()
        + transformer.weights().stream().mapToLong(w -> convertedBytes(w.tensor())).sum();
  }

  private static long convertedBytes(Tensor tensor) {
    return tensor == null
        ? 0
        : (tensor.data().isMapped() ? 0 : tensor.data().byteSize())
            + convertedBytes(tensor.scales())
            + convertedBytes(tensor.zeros());
  }

  /** Bytes of the files that hold its weights, those of dense layers after the pooling included. */
  public long weightFileBytes() {
    return weightFileBytes;
  }

  @Override
  public void close() {
    arena.close();
  }
}
