package dev.hone.model.format.gguf;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** What stands under a metadata key. Texts are decoded when they are asked for. */
public sealed interface MetadataValue {

  MetadataKind kind();

  /**
   * A whole number or a truth value.
   *
   * @param value of UINT64 as its 64 bits
   */
  record Whole(MetadataKind kind, long value) implements MetadataValue {
    @Override
    public String toString() {
      return switch (kind) {
        case BOOL -> String.valueOf(value != 0);
        case UINT64 -> Long.toUnsignedString(value);
        default -> String.valueOf(value);
      };
    }
  }

  /** A number with a fraction, of FLOAT32 widened. */
  record Fraction(MetadataKind kind, double value) implements MetadataValue {
    @Override
    public String toString() {
      return kind == MetadataKind.FLOAT32 ? String.valueOf((float) value) : String.valueOf(value);
    }
  }

  /** UTF-8 bytes. */
  record Text(MemorySegment utf8) implements MetadataValue {
    static Text of(String text) {
      return new Text(MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Override
    public MetadataKind kind() {
      return MetadataKind.STRING;
    }

    /** The text, where the bytes are one. */
    String decode() throws CharacterCodingException {
      ByteBuffer bytes = utf8.asByteBuffer();
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    }

    @Override
    public String toString() {
      return StandardCharsets.UTF_8.decode(utf8.asByteBuffer()).toString();
    }
  }

  /**
   * Values of one kind, one after the other as the file has them.
   *
   * @param elements never ARRAY
   * @param count of values
   */
  record Array(MetadataKind elements, int count, MemorySegment bytes) implements MetadataValue {
    @Override
    public MetadataKind kind() {
      return MetadataKind.ARRAY;
    }

    @Override
    public String toString() {
      return elements + "[" + count + "]";
    }
  }
}
