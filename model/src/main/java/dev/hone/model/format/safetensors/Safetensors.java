package dev.hone.model.format.safetensors;

import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.safetensors.Header.Entry;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Set;

/**
 * One safetensors file. It is mapped, and its tensors are views of the mapping: nothing is copied,
 * and a tensor may begin at any byte.
 *
 * <pre>
 *   0        8             8 + n                                   end of file
 *   +--------+-------------+----------------+----------------+-----+
 *   | n: u64 | header JSON | first tensor   | second tensor  | ... |
 *   +--------+-------------+----------------+----------------+-----+
 *
 *   header = { "__metadata__": { text: text, ... },
 *              name: { "dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24] }, ... }
 * </pre>
 *
 * All numbers are little-endian; offsets count from byte 8 + n. The tensors cover the file to its
 * end without holes or overlaps. Specification: the format section of the safetensors project's
 * README.
 */
public final class Safetensors implements Checkpoint {
  /** Bytes of the longest header: the limit of the reference implementation. */
  static final long MAX_HEADER_BYTES = 100_000_000;

  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String source;
  private final Header header;
  private final MemorySegment data;
  private final long fileBytes;

  private Safetensors(String source, Header header, MemorySegment data, long fileBytes) {
    this.source = source;
    this.header = header;
    this.data = data;
    this.fileBytes = fileBytes;
  }

  /** Maps a file for as long as the arena lives. */
  public static Safetensors open(Path file, Arena arena) {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return of(file.toString(), channel.map(MapMode.READ_ONLY, 0, channel.size(), arena));
    } catch (NoSuchFileException e) {
      throw new FormatException(file + " is missing", e);
    } catch (IOException e) {
      throw new FormatException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Reads a file that is in memory already. */
  public static Safetensors of(String source, MemorySegment file) {
    if (file.byteSize() < Long.BYTES) {
      throw new FormatException(
          source + ": file size=" + file.byteSize() + ": a safetensors file has at least 8 bytes");
    }
    long headerBytes = file.get(LENGTH, 0);
    if (headerBytes < 0 || headerBytes > MAX_HEADER_BYTES) {
      throw new FormatException(
          source
              + ": header length="
              + Long.toUnsignedString(headerBytes)
              + ": at most "
              + MAX_HEADER_BYTES
              + " is allowed; this is not a safetensors file");
    }
    if (headerBytes > file.byteSize() - Long.BYTES) {
      throw new FormatException(
          source
              + ": header length="
              + headerBytes
              + " is past the end of the file, size="
              + file.byteSize()
              + "; the download is probably incomplete");
    }
    byte[] json = file.asSlice(Long.BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
    MemorySegment data = file.asSlice(Long.BYTES + headerBytes);
    return new Safetensors(
        source, Header.parse(source, json, data.byteSize()), data, file.byteSize());
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public long fileBytes() {
    return fileBytes;
  }

  /** The names, in the order of the tensors in the file. */
  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(header.tensors().keySet());
  }

  /** What the file says of itself under {@code __metadata__}. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  @Override
  public Tensor tensor(String name) {
    Entry entry = header.tensors().get(name);
    if (entry == null) {
      throw new FormatException(source + " has no tensor " + name);
    }
    Plain dtype =
        Header.plain(entry.dtype())
            .orElseThrow(
                () ->
                    new FormatException(
                        source
                            + ": tensor="
                            + name
                            + ", dtype="
                            + entry.dtype()
                            + " is not supported; known are "
                            + Arrays.toString(Plain.values())));
    return Tensor.of(
        dtype, data.asSlice(entry.begin(), entry.end() - entry.begin()), entry.shape());
  }
}
