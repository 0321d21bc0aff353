package dev.hone.model.format.safetensors;

import dev.hone.model.format.FormatException;
import java.lang.foreign.MemorySegment;

/** A Jazzer target: any bytes are a safetensors file or a {@link FormatException}. */
public final class SafetensorsFuzz {
  private SafetensorsFuzz() {}

  public static void fuzzerTestOneInput(byte[] bytes) {
    try {
      Safetensors file = Safetensors.of("fuzz.safetensors", MemorySegment.ofArray(bytes));
      file.names().forEach(file::tensor);
    } catch (FormatException e) {
      // What a damaged file deserves.
    }
  }
}
