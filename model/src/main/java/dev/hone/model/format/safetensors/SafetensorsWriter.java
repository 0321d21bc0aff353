package dev.hone.model.format.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.hone.model.format.Beside;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Writes safetensors files, byte for byte as the reference implementation does. The file is written
 * beside its place and then moved there, so that a reader who has an older one mapped keeps it.
 */
public final class SafetensorsWriter {
  private static final JsonFactory JSON = new JsonFactory();
  private static final long CHUNK_BYTES = 1 << 28;

  /** Types in the order of the reference implementation, the widest aligned first. */
  private static final List<Plain> ORDER =
      List.of(
          Plain.I64,
          Plain.F64,
          Plain.F32,
          Plain.I32,
          Plain.BF16,
          Plain.F16,
          Plain.I16,
          Plain.I8,
          Plain.U8,
          Plain.BOOL);

  private SafetensorsWriter() {}

  /**
   * Writes plain tensors under their names.
   *
   * @param metadata what the file says of itself; may be empty
   */
  public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    List<Map.Entry<String, Tensor>> ordered = ordered(tensors);
    Path beside = Beside.of(file);
    try {
      try (var channel =
          FileChannel.open(beside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        write(channel, MemorySegment.ofArray(header(ordered, metadata)));
        for (var named : ordered) {
          write(channel, named.getValue().data());
        }
        channel.force(true);
      }
      Beside.move(beside, file);
    } finally {
      Files.deleteIfExists(beside);
    }
  }

  private static List<Map.Entry<String, Tensor>> ordered(Map<String, Tensor> tensors) {
    for (var named : tensors.entrySet()) {
      if (!(named.getValue().dtype() instanceof Plain)) {
        throw new IllegalArgumentException(
            "tensor="
                + named.getKey()
                + ", "
                + named.getValue()
                + ": safetensors hold plain numbers; a layout such as compressed-tensors splits"
                + " quantized weights into them");
      }
      if (named.getKey().equals(Header.METADATA)) {
        throw new IllegalArgumentException("no tensor can be called " + Header.METADATA);
      }
    }
    // Names by their UTF-8 bytes, as Rust compares them.
    Comparator<Map.Entry<String, Tensor>> byType =
        Comparator.comparingInt(named -> ORDER.indexOf((Plain) named.getValue().dtype()));
    return tensors.entrySet().stream()
        .sorted(
            byType.thenComparing(
                named -> named.getKey().getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned))
        .toList();
  }

  /** The header with its length before it, padded with spaces to a multiple of 8 bytes. */
  private static byte[] header(
      List<Map.Entry<String, Tensor>> ordered, Map<String, String> metadata) throws IOException {
    var json = new ByteArrayOutputStream();
    try (JsonGenerator generator = JSON.createGenerator(json)) {
      generator.writeStartObject();
      if (!metadata.isEmpty()) {
        generator.writeObjectFieldStart(Header.METADATA);
        for (var named : metadata.entrySet()) {
          generator.writeStringField(named.getKey(), named.getValue());
        }
        generator.writeEndObject();
      }
      long begin = 0;
      for (var named : ordered) {
        Tensor tensor = named.getValue();
        long end = begin + tensor.data().byteSize();
        generator.writeObjectFieldStart(named.getKey());
        generator.writeStringField("dtype", ((Plain) tensor.dtype()).name());
        generator.writeFieldName("shape");
        generator.writeArray(tensor.shape(), 0, tensor.rank());
        generator.writeFieldName("data_offsets");
        generator.writeArray(new long[] {begin, end}, 0, 2);
        generator.writeEndObject();
        begin = end;
      }
      generator.writeEndObject();
    }
    int padded = (json.size() + 7) / 8 * 8;
    if (padded > Safetensors.MAX_HEADER_BYTES) {
      throw new IllegalArgumentException(
          "the header would take "
              + padded
              + " bytes; safetensors allow "
              + Safetensors.MAX_HEADER_BYTES
              + ": fewer tensors or less metadata");
    }
    byte[] bytes = new byte[Long.BYTES + padded];
    Arrays.fill(bytes, (byte) ' ');
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).put(json.toByteArray());
    return bytes;
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
}
