package dev.hone.model.format;

import dev.hone.model.format.compressed.CompressedTensors;
import dev.hone.model.format.gguf.GgufCheckpoint;
import dev.hone.model.format.gptq.GptqCheckpoint;
import dev.hone.model.format.onnx.Onnx;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.model.format.safetensors.ShardedSafetensors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Every file format that weights are read from, in the order in which a folder is searched for
 * them.
 */
public final class Formats {
  private static final String GGUF = ".gguf";

  /** A file of a split model that is not the first. */
  private static final Pattern LATER_PART = Pattern.compile("-(?!00001)\\d{5}-of-\\d{5}\\.gguf$");

  private static final List<Format> ALL =
      List.of(
          new Format("model.safetensors", ".safetensors", quantized(Safetensors::open)),
          new Format(
              "model.safetensors.index.json", ".index.json", quantized(ShardedSafetensors::open)),
          new Format("model.onnx", ".onnx", Onnx::open),
          new Format("onnx/model.onnx", ".onnx", Onnx::open),
          new Format("*.gguf", GGUF, GgufCheckpoint::open));

  private static final List<QuantizationFile> QUANTIZATION_FILES =
      List.of(
          new QuantizationFile("quantize_config.json", GptqCheckpoint::openGptq),
          new QuantizationFile("quant_config.json", GptqCheckpoint::openAwq));

  private Formats() {}

  /**
   * @param file where a model folder has it
   * @param ending of such files under any name
   */
  private record Format(String file, String ending, Opener opener) {}

  @FunctionalInterface
  private interface Opener {
    Checkpoint open(Path file, Arena arena);
  }

  /** Whether a folder or file holds its own config, and no {@code config.json} is asked for. */
  public static boolean describesItself(Path folderOrFile) {
    return gguf(folderOrFile).isPresent();
  }

  /** The GGUF file that a folder or file is or holds, where nothing else describes the model. */
  public static Optional<Path> gguf(Path folderOrFile) {
    if (Files.isDirectory(folderOrFile)) {
      return Files.exists(folderOrFile.resolve("config.json"))
          ? Optional.empty()
          : ggufIn(folderOrFile);
    }
    return Optional.of(folderOrFile).filter(file -> file.toString().endsWith(GGUF));
  }

  /**
   * The GGUF model of a folder: its only one, or the first file of the only one that is split.
   *
   * @throws FormatException where there are several
   */
  private static Optional<Path> ggufIn(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> models =
          files
              .filter(file -> file.toString().endsWith(GGUF))
              .filter(file -> !LATER_PART.matcher(file.toString()).find())
              .sorted()
              .toList();
      if (models.size() > 1) {
        throw new FormatException(
            folder
                + " holds "
                + models.size()
                + " models: name one of "
                + models.stream().map(Path::getFileName).toList());
      }
      return models.stream().findFirst();
    } catch (IOException e) {
      throw new FormatException(folder + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Puts quantized weights together where the {@code config.json} beside the file says so. */
  private static Opener quantized(Opener plain) {
    return (file, arena) -> {
      Checkpoint stored = plain.open(file, arena);
      Path config = file.resolveSibling("config.json");
      return Files.exists(config)
          ? quantized(stored, Config.read(config), file.getParent(), arena)
          : stored;
    };
  }

  private static Checkpoint quantized(Checkpoint stored, Config config, Path folder, Arena arena) {
    Optional<Config> quantization = config.object("quantization_config");
    if (quantization.isEmpty()) {
      for (QuantizationFile beside : QUANTIZATION_FILES) {
        Path file = folder.resolve(beside.file);
        if (Files.exists(file)) {
          return beside.opener.open(stored, Config.read(file), arena);
        }
      }
    }
    return switch (quantization.map(q -> q.text("quant_method", "")).orElse("")) {
      case "gptq" -> GptqCheckpoint.openGptq(stored, quantization.get(), arena);
      case "awq" -> GptqCheckpoint.openAwq(stored, quantization.get(), arena);
      default -> CompressedTensors.open(stored, config, arena);
    };
  }

  /** Where models of 2023 say how they are quantized, whose {@code config.json} does not. */
  private record QuantizationFile(String file, QuantizationOpener opener) {}

  @FunctionalInterface
  private interface QuantizationOpener {
    Checkpoint open(Checkpoint stored, Config quantization, Arena arena);
  }

  /**
   * The weights of a model folder, or of one file of it.
   *
   * @param arena owns the mapped files and lives as long as the tensors are used
   */
  public static Checkpoint open(Path folderOrFile, Arena arena) {
    if (Files.isDirectory(folderOrFile)) {
      for (Format format : ALL) {
        Path file = folderOrFile.resolve(format.file());
        if (Files.isRegularFile(file)) {
          return format.opener().open(file, arena);
        }
      }
      Path gguf = ggufIn(folderOrFile).orElseThrow(() -> nothingIn(folderOrFile));
      return GgufCheckpoint.open(gguf, arena);
    }
    if (!Files.exists(folderOrFile)) {
      throw new FormatException(folderOrFile + " does not exist");
    }
    for (Format format : ALL) {
      if (folderOrFile.toString().endsWith(format.ending())) {
        return format.opener().open(folderOrFile, arena);
      }
    }
    throw new FormatException(
        folderOrFile + " is in no known format; known endings are " + known(Format::ending));
  }

  private static FormatException nothingIn(Path folder) {
    String advice =
        Files.exists(folder.resolve("pytorch_model.bin"))
                || Files.exists(folder.resolve("pytorch_model.bin.index.json"))
            ? "; it has pytorch_model.bin, whose pickled code is not run: convert it to safetensors"
            : "";
    return new FormatException(
        folder + " holds no weights: looked for " + known(Format::file) + advice);
  }

  private static String known(java.util.function.Function<Format, String> part) {
    return ALL.stream().map(part).distinct().collect(Collectors.joining(", "));
  }
}
