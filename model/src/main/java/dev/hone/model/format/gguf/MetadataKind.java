package dev.hone.model.format.gguf;

import java.util.Arrays;
import java.util.Optional;

/** The kinds of metadata values under their numbers in a file. */
public enum MetadataKind {
  UINT8(0, 1),
  INT8(1, 1),
  UINT16(2, 2),
  INT16(3, 2),
  UINT32(4, 4),
  INT32(5, 4),
  FLOAT32(6, 4),
  BOOL(7, 1),
  STRING(8, 8),
  ARRAY(9, 12),
  UINT64(10, 8),
  INT64(11, 8),
  FLOAT64(12, 8);

  private static final MetadataKind[] VALUES = values();

  private final int number;
  private final int bytes;

  MetadataKind(int number, int bytes) {
    this.number = number;
    this.bytes = bytes;
  }

  /** Bytes of a value; of a text or an array, without what follows its length. */
  int bytes() {
    return bytes;
  }

  /** The number that files have. */
  int number() {
    return number;
  }

  static Optional<MetadataKind> of(int number) {
    return Arrays.stream(VALUES).filter(kind -> kind.number == number).findFirst();
  }
}
