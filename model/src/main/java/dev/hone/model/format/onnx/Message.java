package dev.hone.model.format.onnx;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** One protobuf message, written field by field: what {@link Fields} reads. */
final class Message {
  private static final int VARINT = 0;
  private static final int LENGTH = 2;
  private static final int FIXED32 = 5;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  Message number(int field, long value) {
    tag(field, VARINT);
    varint(value);
    return this;
  }

  Message float32(int field, float value) {
    tag(field, FIXED32);
    int bits = Float.floatToIntBits(value);
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      bytes.write(bits >>> shift);
    }
    return this;
  }

  Message text(int field, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    length(field, utf8.length);
    bytes.writeBytes(utf8);
    return this;
  }

  Message message(int field, Message inner) {
    length(field, inner.bytes.size());
    bytes.writeBytes(inner.bytes());
    return this;
  }

  /** The beginning of a field of so many bytes, which whoever asks writes behind this message. */
  Message length(int field, long length) {
    tag(field, LENGTH);
    varint(length);
    return this;
  }

  int size() {
    return bytes.size();
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }

  private void tag(int field, int wireType) {
    varint((long) field << 3 | wireType);
  }

  private void varint(long value) {
    long rest = value;
    for (; (rest & ~0x7FL) != 0; rest >>>= 7) {
      bytes.write((int) (rest & 0x7F | 0x80));
    }
    bytes.write((int) rest);
  }
}
