package dev.hone.model.format.gguf;

import dev.hone.model.format.Beside;
import dev.hone.model.format.gguf.MetadataValue.Array;
import dev.hone.model.format.gguf.MetadataValue.Fraction;
import dev.hone.model.format.gguf.MetadataValue.Text;
import dev.hone.model.format.gguf.MetadataValue.Whole;
import dev.hone.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * Writes GGUF files of version 3, as llama.cpp's own writer does: tensors in the order given, each
 * at a multiple of 32 bytes. The file is written beside its place and then moved there, so that a
 * reader who has an older one mapped keeps it.
 */
public final class GgufWriter {
  private static final int ALIGNMENT = GgufFile.DEFAULT_ALIGNMENT;
  private static final int LONGEST_NAME = 63;
  private static final int CHUNK_BYTES = 1 << 28;

  private GgufWriter() {}

  /**
   * A tensor that is made when its turn comes to be written, so that not all stand in memory at
   * once.
   *
   * @param shape row-major
   */
  public record Pending(GgufType type, long[] shape, Source source) {
    public static Pending of(Tensor tensor) {
      GgufType type =
          GgufType.of(tensor.dtype())
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          tensor + ": GGUF has no such type; it has " + GgufType.readable()));
      return new Pending(type, tensor.shape(), _ -> tensor);
    }

    private long bytes() {
      long elements = 1;
      for (long dimension : shape) {
        elements = Math.multiplyExact(elements, dimension);
      }
      return elements / type.columns() * type.bytes();
    }
  }

  /** Makes a tensor, in memory that is given back when it is written. */
  @FunctionalInterface
  public interface Source {
    Tensor make(Arena arena);
  }

  /**
   * Writes a file.
   *
   * @param metadata under its keys, without {@code general.alignment}
   * @param tensors under llama.cpp's names
   */
  public static void write(
      Path file, Map<String, MetadataValue> metadata, Map<String, Pending> tensors)
      throws IOException {
    byte[] head = head(metadata, tensors);
    Path beside = Beside.of(file);
    try {
      try (var channel =
          FileChannel.open(beside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        write(channel, MemorySegment.ofArray(head));
        pad(channel);
        for (var named : tensors.entrySet()) {
          write(channel, named.getKey(), named.getValue());
        }
        channel.force(true);
      }
      Beside.move(beside, file);
    } finally {
      Files.deleteIfExists(beside);
    }
  }

  private static void write(FileChannel channel, String name, Pending pending) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      Tensor tensor = pending.source().make(arena);
      if (tensor.data().byteSize() != pending.bytes()) {
        throw new IllegalStateException(
            name + ": " + tensor + " is not the " + pending.type() + " that was promised");
      }
      write(channel, tensor.data());
    }
    pad(channel);
  }

  private static byte[] head(Map<String, MetadataValue> metadata, Map<String, Pending> tensors) {
    if (metadata.containsKey(GgufFile.ALIGNMENT)) {
      throw new IllegalArgumentException(
          GgufFile.ALIGNMENT + " is the writer's: files are aligned to " + ALIGNMENT);
    }
    Bytes out = new Bytes();
    out.int32(GgufFile.MAGIC);
    out.int32(3);
    out.int64(tensors.size());
    out.int64(metadata.size());
    metadata.forEach(
        (key, value) -> {
          out.text(Text.of(key));
          out.int32(value.kind().number());
          out.value(value);
        });
    long offset = 0;
    for (var named : tensors.entrySet()) {
      Pending tensor = named.getValue();
      Text name = Text.of(named.getKey());
      if (name.utf8().byteSize() > LONGEST_NAME) {
        throw new IllegalArgumentException(
            "tensor="
                + named.getKey()
                + ": llama.cpp reads names of up to "
                + LONGEST_NAME
                + " bytes");
      }
      if (tensor.shape().length > GgufLimits.RANK) {
        throw new IllegalArgumentException(
            "tensor=" + named.getKey() + ": GGUF has at most " + GgufLimits.RANK + " dimensions");
      }
      out.text(name);
      out.int32(tensor.shape().length);
      for (int axis = tensor.shape().length - 1; axis >= 0; axis--) {
        out.int64(tensor.shape()[axis]);
      }
      out.int32(tensor.type().number());
      out.int64(offset);
      offset = GgufFile.aligned(offset + tensor.bytes(), ALIGNMENT);
    }
    return out.toByteArray();
  }

  /** Little-endian numbers and what is made of them. */
  private static final class Bytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    void int32(int value) {
      out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
    }

    void int64(long value) {
      out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
    }

    void text(Text text) {
      int64(text.utf8().byteSize());
      out.writeBytes(text.utf8().toArray(ValueLayout.JAVA_BYTE));
    }

    void value(MetadataValue value) {
      switch (value) {
        case Whole whole -> {
          byte[] wide =
              ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(whole.value()).array();
          out.write(wide, 0, whole.kind().bytes());
        }
        case Fraction fraction -> {
          if (fraction.kind() == MetadataKind.FLOAT32) {
            int32(Float.floatToIntBits((float) fraction.value()));
          } else {
            int64(Double.doubleToLongBits(fraction.value()));
          }
        }
        case Text text -> text(text);
        case Array array -> {
          int32(array.elements().number());
          int64(array.count());
          out.writeBytes(array.bytes().toArray(ValueLayout.JAVA_BYTE));
        }
      }
    }

    byte[] toByteArray() {
      return out.toByteArray();
    }
  }

  private static void pad(FileChannel channel) throws IOException {
    long size = channel.position();
    channel.write(ByteBuffer.allocate((int) (GgufFile.aligned(size, ALIGNMENT) - size)));
  }

  private static void write(FileChannel channel, MemorySegment bytes) throws IOException {
    for (long at = 0; at < bytes.byteSize(); at += CHUNK_BYTES) {
      long length = Math.min(CHUNK_BYTES, bytes.byteSize() - at);
      ByteBuffer chunk = bytes.asSlice(at, length).asByteBuffer();
      while (chunk.hasRemaining()) {
        channel.write(chunk);
      }
    }
  }

  /** A text as {@link #write} takes it. */
  public static Text text(String text) {
    return Text.of(text);
  }

  /** An array of texts. */
  public static Array texts(Iterable<String> texts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int count = 0;
    for (String text : texts) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      out.writeBytes(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(utf8.length).array());
      out.writeBytes(utf8);
      count++;
    }
    return new Array(MetadataKind.STRING, count, MemorySegment.ofArray(out.toByteArray()));
  }

  /** An array of INT32. */
  public static Array integers(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return new Array(MetadataKind.INT32, values.length, MemorySegment.ofArray(bytes.array()));
  }

  /** An array of FLOAT32. */
  public static Array floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return new Array(MetadataKind.FLOAT32, values.length, MemorySegment.ofArray(bytes.array()));
  }
}
