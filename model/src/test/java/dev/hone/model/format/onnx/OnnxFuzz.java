package dev.hone.model.format.onnx;

import dev.hone.model.format.FormatException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** A Jazzer target: any bytes are a model or a {@link FormatException}. */
public final class OnnxFuzz {
  private OnnxFuzz() {}

  public static void fuzzerTestOneInput(byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      readAll(MemorySegment.ofArray(bytes), arena);
    } catch (FormatException e) {
      // What a damaged file deserves.
    }
  }

  /** Opens a file and reads every tensor that can be read. */
  static void readAll(MemorySegment file, Arena arena) {
    Onnx onnx = Onnx.of("fuzz.onnx", file, Path.of("no", "such", "folder"), arena);
    onnx.names().forEach(onnx::tensor);
  }
}
