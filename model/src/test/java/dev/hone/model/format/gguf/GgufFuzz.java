package dev.hone.model.format.gguf;

import dev.hone.model.format.FormatException;
import dev.hone.model.format.gguf.MetadataValue.Array;
import dev.hone.model.format.gguf.MetadataValue.Text;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A Jazzer target: any bytes are a GGUF file or a {@link FormatException}. */
public final class GgufFuzz {
  private GgufFuzz() {}

  public static void fuzzerTestOneInput(byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      readAll(MemorySegment.ofArray(bytes));
      readModel(MemorySegment.ofArray(bytes), arena);
    } catch (FormatException e) {
      // What a damaged file deserves.
    }
  }

  /** Every value, and the last byte of every tensor. */
  static void readAll(MemorySegment bytes) {
    GgufFile file = GgufFile.of("fuzz.gguf", bytes);
    Metadata metadata = file.metadata();
    metadata
        .values()
        .forEach(
            (key, value) -> {
              if (value instanceof Text) {
                metadata.text(key);
              } else if (value instanceof Array array) {
                switch (array.elements()) {
                  case STRING -> metadata.texts(key);
                  case FLOAT32 -> metadata.floats(key);
                  case BOOL -> metadata.flags(key);
                  case UINT8, INT8, UINT16, INT16, UINT32, INT32 -> metadata.integers(key);
                  case ARRAY, UINT64, INT64, FLOAT64 -> array.bytes().byteSize();
                }
              }
            });
    for (TensorEntry entry : file.tensors().values()) {
      if (entry.type().dtype().isPresent()) {
        MemorySegment data = file.tensor(entry.name()).data();
        data.get(java.lang.foreign.ValueLayout.JAVA_BYTE, data.byteSize() - 1);
      }
    }
  }

  /** The checkpoint and the config. */
  static void readModel(MemorySegment bytes, Arena arena) {
    Gguf model = Gguf.of(GgufFile.of("fuzz.gguf", bytes));
    GgufCheckpoint checkpoint = GgufCheckpoint.of(model, arena);
    checkpoint.names().forEach(checkpoint::tensor);
  }
}
