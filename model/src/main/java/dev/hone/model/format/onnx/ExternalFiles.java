package dev.hone.model.format.onnx;

import dev.hone.model.format.FormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * The files beside a model that hold tensors too large for it, mapped when first asked for. A
 * location must stay below the model's folder; links are followed, since caches of models are made
 * of them.
 */
final class ExternalFiles {
  private final Path folder;
  private final Arena arena;
  private final Map<Path, MemorySegment> mapped = new HashMap<>();

  ExternalFiles(Path folder, Arena arena) {
    this.folder = folder.toAbsolutePath().normalize();
    this.arena = arena;
  }

  /** The bytes that a tensor's {@code external_data} names. */
  MemorySegment slice(TensorProto tensor, Map<String, String> entries, long bytes) {
    String location = entries.getOrDefault("location", "");
    Path file = file(tensor, location);
    long offset = number(tensor, entries, "offset", 0);
    long length = number(tensor, entries, "length", bytes);
    if (length != bytes) {
      throw tensor.error(
          "external_data.length=" + length + ", its dims and data_type take " + bytes + " bytes");
    }
    MemorySegment content = mapped.computeIfAbsent(file, f -> map(tensor, f));
    if (offset > content.byteSize() || bytes > content.byteSize() - offset) {
      throw tensor.error(
          "external_data ends past the file: location="
              + location
              + ", offset="
              + offset
              + ", length="
              + bytes
              + ", fileSize="
              + content.byteSize()
              + "; the download is probably incomplete");
    }
    return content.asSlice(offset, bytes);
  }

  /** Bytes of the files mapped so far. */
  long mappedBytes() {
    return mapped.values().stream().mapToLong(MemorySegment::byteSize).sum();
  }

  private Path file(TensorProto tensor, String location) {
    try {
      Path file = folder.resolve(location).normalize();
      if (!location.isEmpty()
          && !Path.of(location).isAbsolute()
          && file.startsWith(folder)
          && !file.equals(folder)) {
        return file;
      }
    } catch (InvalidPathException e) {
      throw tensor.error("external_data.location is no path: " + e.getReason());
    }
    throw tensor.error(
        "external_data.location=" + location + " must be a path below the folder of the model");
  }

  private MemorySegment map(TensorProto tensor, Path file) {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new FormatException(
          tensor.error("its file cannot be read: " + e).getMessage()
              + "; download it beside the model",
          e);
    }
  }

  private static long number(
      TensorProto tensor, Map<String, String> entries, String key, long otherwise) {
    String text = entries.get(key);
    if (text == null) {
      return otherwise;
    }
    try {
      long number = Long.parseLong(text);
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Told below, together with negative numbers.
    }
    throw tensor.error("external_data." + key + "=" + text + " must be a whole number from 0");
  }
}
