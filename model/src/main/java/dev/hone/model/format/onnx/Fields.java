package dev.hone.model.format.onnx;

import dev.hone.model.format.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.LongConsumer;

/**
 * The fields of one protobuf message, one after the other, read in place from mapped memory. See
 * "Protocol Buffers: Encoding". Protobuf's own {@code CodedInputStream} either copies such memory
 * or reads it through {@code sun.misc.Unsafe}, which JDK 25 warns about.
 *
 * <pre>
 *   field   tag, value                      tag = number * 8 + wire type, a varint
 *   value   0: varint   1: 8 bytes   2: varint length, that many bytes   5: 4 bytes
 *   varint  7 bits a byte, low ones first; the top bit says that more follow; 10 bytes at most
 * </pre>
 */
final class Fields {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int LENGTH = 2;
  private static final int FIXED32 = 5;

  private final String file;
  private final String message;
  private final MemorySegment bytes;
  private final long start;
  private long at;
  private int number;
  private int wireType;
  private boolean unread;

  /**
   * @param file what errors call the file
   * @param message what errors call the message: {@code graph.node}
   * @param start where the bytes stand in the file, for errors
   */
  Fields(String file, String message, MemorySegment bytes, long start) {
    this.file = file;
    this.message = message;
    this.bytes = bytes;
    this.start = start;
  }

  /** Goes to the next field, over the value of the last one if nobody read it; false at the end. */
  boolean next() {
    if (unread) {
      piece();
    }
    if (at == bytes.byteSize()) {
      return false;
    }
    long tag = rawVarint();
    if (tag >>> 3 == 0 || tag >>> 32 != 0) {
      throw error("tag " + tag + " is none");
    }
    number = (int) (tag >>> 3);
    wireType = (int) (tag & 7);
    unread = true;
    return true;
  }

  /** Number of the current field, as {@code onnx.proto} gives it. */
  int number() {
    return number;
  }

  long varint() {
    expect(VARINT);
    return rawVarint();
  }

  float float32() {
    expect(FIXED32);
    return take(4).get(FLOAT, 0);
  }

  /** A name or another short text. */
  String text() {
    MemorySegment text = content();
    if (text.byteSize() > OnnxLimits.TEXT) {
      throw error("a text of " + text.byteSize() + " bytes, more than " + OnnxLimits.TEXT);
    }
    return new String(text.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  /** The message in the current field. */
  Fields message(String name) {
    MemorySegment inner = content();
    return new Fields(file, message + "." + name, inner, start + at - inner.byteSize());
  }

  /** The bytes of a repeated number, packed or alone, not yet decoded. */
  Fields numbers() {
    MemorySegment piece = piece();
    return new Fields(file, message, piece, start + at - piece.byteSize());
  }

  /** Every varint of the current repeated field, packed or alone. */
  void forEachVarint(LongConsumer action) {
    numbers().forEachRest(action);
  }

  /** Every varint of bytes that hold nothing else. */
  void forEachRest(LongConsumer action) {
    long from = at;
    while (at < bytes.byteSize()) {
      action.accept(rawVarint());
    }
    at = from;
  }

  /** All bytes of this message. */
  MemorySegment bytes() {
    return bytes;
  }

  private long rawVarint() {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at == bytes.byteSize()) {
        throw error("a number runs past the end");
      }
      byte next = bytes.get(ValueLayout.JAVA_BYTE, at++);
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw error("a number of more than 10 bytes");
  }

  /** An error about the current field. */
  FormatException error(String what) {
    return new FormatException(
        file
            + ": "
            + message
            + ": field "
            + number
            + " at byte "
            + (start + at)
            + ": "
            + what
            + "; the file is damaged or not ONNX");
  }

  private MemorySegment content() {
    expect(LENGTH);
    return take(rawVarint());
  }

  private MemorySegment piece() {
    unread = false;
    return switch (wireType) {
      case VARINT -> {
        long from = at;
        rawVarint();
        yield bytes.asSlice(from, at - from);
      }
      case FIXED64 -> take(8);
      case LENGTH -> take(rawVarint());
      case FIXED32 -> take(4);
      default -> throw error("wire type " + wireType + " is none");
    };
  }

  private MemorySegment take(long length) {
    if (length < 0 || length > bytes.byteSize() - at) {
      throw error(
          "length "
              + Long.toUnsignedString(length)
              + " runs past the end, "
              + (bytes.byteSize() - at)
              + " bytes on");
    }
    MemorySegment taken = bytes.asSlice(at, length);
    at += length;
    return taken;
  }

  private void expect(int wanted) {
    if (wireType != wanted) {
      throw error("wire type " + wireType + ", not " + wanted);
    }
    unread = false;
  }
}
