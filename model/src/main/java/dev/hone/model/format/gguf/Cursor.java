package dev.hone.model.format.gguf;

import dev.hone.model.format.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** A place in the head of a GGUF file that nothing is read past the end of. */
final class Cursor {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String source;
  private final MemorySegment file;
  private long at;

  Cursor(String source, MemorySegment file) {
    this.source = source;
    this.file = file;
  }

  long at() {
    return at;
  }

  /** Another cursor at the same place. */
  Cursor copy() {
    Cursor copy = new Cursor(source, file);
    copy.at = at;
    return copy;
  }

  private long take(String what, long bytes) {
    if (bytes > file.byteSize() - at) {
      throw new FormatException(
          source
              + ": the file ends within "
              + what
              + ": it takes "
              + bytes
              + " bytes from "
              + at
              + ", size="
              + file.byteSize()
              + "; the download is probably incomplete");
    }
    long from = at;
    at += bytes;
    return from;
  }

  byte int8(String what) {
    return file.get(ValueLayout.JAVA_BYTE, take(what, 1));
  }

  short int16(String what) {
    return file.get(SHORT, take(what, 2));
  }

  int int32(String what) {
    return file.get(INT, take(what, 4));
  }

  long int64(String what) {
    return file.get(LONG, take(what, 8));
  }

  MemorySegment bytes(String what, long count) {
    return file.asSlice(take(what, count), count);
  }

  void skip(String what, long count) {
    take(what, count);
  }

  /**
   * A number of things that follow.
   *
   * @param most of them
   * @param each least bytes of one
   */
  int count(String what, long most, int each) {
    long count = int64(what);
    if (count < 0 || count > most) {
      throw new FormatException(
          source
              + ": "
              + what
              + "="
              + Long.toUnsignedString(count)
              + ": at most "
              + most
              + " are allowed");
    }
    if (count > (file.byteSize() - at) / each) {
      throw new FormatException(
          source
              + ": "
              + what
              + "="
              + count
              + ": the "
              + (file.byteSize() - at)
              + " bytes that follow cannot hold as many; the download is probably incomplete");
    }
    return (int) count;
  }
}
