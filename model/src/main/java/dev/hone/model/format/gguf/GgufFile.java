package dev.hone.model.format.gguf;

import dev.hone.model.format.FormatException;
import dev.hone.model.format.gguf.MetadataValue.Array;
import dev.hone.model.format.gguf.MetadataValue.Fraction;
import dev.hone.model.format.gguf.MetadataValue.Text;
import dev.hone.model.format.gguf.MetadataValue.Whole;
import dev.hone.tensor.DType;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.CharacterCodingException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One GGUF file, version 2 or 3, little-endian. It is mapped, and its tensors are views of the
 * mapping.
 *
 * <pre>
 *   0        4         8              16          24
 *   | "GGUF" | version | tensor count | key count | keys ... | tensors ... | padding | data ...
 *
 *   key      | text name | u32 kind | value |       text     | u64 bytes | UTF-8 |
 *   tensor   | text name | u32 rank | u64 dims, columns first | u32 type | u64 offset |
 *   array    | u32 kind | u64 count | values |      offset   counts from the start of the data
 * </pre>
 *
 * The data and every tensor begin at a multiple of the key {@code general.alignment}, 32 where it
 * is missing. Specification: "GGUF" in the docs of the ggml project.
 */
public final class GgufFile {
  static final int MAGIC = 'G' | 'G' << 8 | 'U' << 16 | 'F' << 24;
  static final String ALIGNMENT = "general.alignment";
  static final int DEFAULT_ALIGNMENT = 32;

  private final String source;
  private final Metadata metadata;
  private final Map<String, TensorEntry> tensors;
  private final MemorySegment data;
  private final long fileBytes;

  private GgufFile(
      String source,
      Metadata metadata,
      Map<String, TensorEntry> tensors,
      MemorySegment data,
      long fileBytes) {
    this.source = source;
    this.metadata = metadata;
    this.tensors = tensors;
    this.data = data;
    this.fileBytes = fileBytes;
  }

  /** Maps a file for as long as the arena lives. */
  public static GgufFile open(Path file, Arena arena) {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return of(file.toString(), channel.map(MapMode.READ_ONLY, 0, channel.size(), arena));
    } catch (NoSuchFileException e) {
      throw new FormatException(file + " is missing", e);
    } catch (IOException e) {
      throw new FormatException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Reads a file that is in memory already. */
  public static GgufFile of(String source, MemorySegment file) {
    Cursor cursor = new Cursor(source, file);
    version(source, cursor);
    int tensorCount = cursor.count("tensor count", GgufLimits.TENSORS, 24);
    int keyCount = cursor.count("key count", GgufLimits.KEYS, 13);
    Map<String, MetadataValue> values = new LinkedHashMap<>();
    for (int i = 0; i < keyCount; i++) {
      String key = name(source, cursor, "key " + i, GgufLimits.KEY_BYTES);
      if (values.put(key, value(source, cursor, key)) != null) {
        throw new FormatException(source + ": key=" + key + " stands there twice");
      }
    }
    Metadata metadata = new Metadata(source, Collections.unmodifiableMap(values));
    int alignment = alignment(metadata);
    List<TensorEntry> entries = new ArrayList<>();
    for (int i = 0; i < tensorCount; i++) {
      entries.add(entry(source, cursor, i));
    }
    long dataAt = Math.min(aligned(cursor.at(), alignment), file.byteSize());
    MemorySegment data = file.asSlice(dataAt);
    return new GgufFile(
        source,
        metadata,
        placed(source, entries, alignment, data.byteSize()),
        data,
        file.byteSize());
  }

  private static void version(String source, Cursor cursor) {
    int magic = cursor.int32("magic");
    if (magic != MAGIC) {
      throw new FormatException(
          source + " is not a GGUF file: it begins with 0x" + Integer.toHexString(magic));
    }
    int version = cursor.int32("version");
    if (version == 2 || version == 3) {
      return;
    }
    boolean swapped = Integer.reverseBytes(version) > 0 && Integer.reverseBytes(version) < 16;
    throw new FormatException(
        source
            + (swapped
                ? ": the file is big-endian; only little-endian ones are read"
                : ": version=" + Integer.toUnsignedString(version) + ": 2 and 3 are read")
            + "; convert the model again");
  }

  private static String name(String source, Cursor cursor, String what, long most) {
    MemorySegment bytes =
        cursor.bytes(what, cursor.count("length of the name of " + what, most, 1));
    try {
      return new Text(bytes).decode();
    } catch (CharacterCodingException e) {
      throw new FormatException(source + ": the name of " + what + " is not UTF-8", e);
    }
  }

  private static MetadataKind kind(String source, Cursor cursor, String what) {
    int number = cursor.int32(what);
    return MetadataKind.of(number)
        .orElseThrow(
            () ->
                new FormatException(
                    source
                        + ": "
                        + what
                        + ": kind="
                        + Integer.toUnsignedString(number)
                        + ": 0 to 12 are known"));
  }

  private static MetadataValue value(String source, Cursor cursor, String key) {
    String what = "key=" + key;
    MetadataKind kind = kind(source, cursor, what);
    return switch (kind) {
      case UINT8 -> new Whole(kind, cursor.int8(what) & 0xFF);
      case INT8 -> new Whole(kind, cursor.int8(what));
      case UINT16 -> new Whole(kind, cursor.int16(what) & 0xFFFF);
      case INT16 -> new Whole(kind, cursor.int16(what));
      case UINT32 -> new Whole(kind, cursor.int32(what) & 0xFFFF_FFFFL);
      case INT32 -> new Whole(kind, cursor.int32(what));
      case UINT64, INT64 -> new Whole(kind, cursor.int64(what));
      case FLOAT32 -> new Fraction(kind, Float.intBitsToFloat(cursor.int32(what)));
      case FLOAT64 -> new Fraction(kind, Double.longBitsToDouble(cursor.int64(what)));
      case BOOL -> new Whole(kind, bool(source, what, cursor.int8(what)));
      case STRING ->
          new Text(cursor.bytes(what, cursor.count(what + ": length", GgufLimits.TEXT_BYTES, 1)));
      case ARRAY -> array(source, cursor, what);
    };
  }

  private static byte bool(String source, String what, byte value) {
    if (value != 0 && value != 1) {
      throw new FormatException(source + ": " + what + ": bool=" + value + " must be 0 or 1");
    }
    return value;
  }

  private static Array array(String source, Cursor cursor, String what) {
    MetadataKind elements = kind(source, cursor, what);
    if (elements == MetadataKind.ARRAY) {
      throw new FormatException(
          source + ": " + what + ": arrays of arrays are not read; no program writes them");
    }
    int count = cursor.count(what + ": length", GgufLimits.ARRAY_LENGTH, elements.bytes());
    if (elements != MetadataKind.STRING) {
      return new Array(elements, count, cursor.bytes(what, (long) count * elements.bytes()));
    }
    Cursor ahead = cursor.copy();
    String length = what + ": length of a text";
    for (int i = 0; i < count; i++) {
      ahead.skip(what, ahead.count(length, GgufLimits.TEXT_BYTES, 1));
    }
    return new Array(elements, count, cursor.bytes(what, ahead.at() - cursor.at()));
  }

  private static int alignment(Metadata metadata) {
    int alignment = metadata.integer(ALIGNMENT, 1, GgufLimits.ALIGNMENT, DEFAULT_ALIGNMENT);
    if (Integer.bitCount(alignment) != 1) {
      throw metadata.wrong(ALIGNMENT, "a power of two");
    }
    return alignment;
  }

  static long aligned(long at, int alignment) {
    return (at + alignment - 1) & -alignment;
  }

  private static TensorEntry entry(String source, Cursor cursor, int index) {
    String name = name(source, cursor, "tensor " + index, GgufLimits.TENSOR_NAME_BYTES);
    String what = "tensor=" + name;
    int rank = cursor.int32(what);
    if (rank < 0 || rank > GgufLimits.RANK) {
      throw new FormatException(
          source
              + ": "
              + what
              + ": rank="
              + Integer.toUnsignedString(rank)
              + ": at most "
              + GgufLimits.RANK
              + " is allowed");
    }
    long[] shape = new long[rank];
    long elements = 1;
    for (int axis = rank - 1; axis >= 0; axis--) {
      shape[axis] = cursor.int64(what);
      if (shape[axis] < 1 || shape[axis] > GgufLimits.ELEMENTS / elements) {
        throw new FormatException(
            source
                + ": "
                + what
                + ": dimension="
                + Long.toUnsignedString(shape[axis])
                + ": must be at least 1, and all together at most "
                + GgufLimits.ELEMENTS);
      }
      elements *= shape[axis];
    }
    int number = cursor.int32(what);
    GgufType type =
        GgufType.of(number)
            .orElseThrow(
                () ->
                    new FormatException(
                        source
                            + ": "
                            + what
                            + ": type="
                            + Integer.toUnsignedString(number)
                            + " is not known, nor how many bytes it takes; known are "
                            + Arrays.toString(GgufType.values())
                            + "; take a file in another type"));
    long cols = rank == 0 ? 1 : shape[rank - 1];
    if (cols % type.columns() != 0) {
      throw new FormatException(
          source
              + ": "
              + what
              + ": "
              + type
              + " needs rows of a multiple of "
              + type.columns()
              + " columns: shape="
              + Arrays.toString(shape));
    }
    return new TensorEntry(
        name, type, shape, cursor.int64(what), elements / type.columns() * type.bytes());
  }

  /** The tensors by name, each within the data and none over another. */
  private static Map<String, TensorEntry> placed(
      String source, List<TensorEntry> entries, int alignment, long dataBytes) {
    Map<String, TensorEntry> byName = new LinkedHashMap<>();
    for (TensorEntry entry : entries) {
      String where =
          source
              + ": tensor="
              + entry.name()
              + ", offset="
              + Long.toUnsignedString(entry.offset())
              + ", length="
              + entry.bytes();
      if (entry.offset() < 0 || entry.offset() % alignment != 0) {
        throw new FormatException(where + ": must begin at a multiple of " + alignment);
      }
      if (entry.bytes() > dataBytes || entry.offset() > dataBytes - entry.bytes()) {
        throw new FormatException(
            where
                + ": ends past the file's "
                + dataBytes
                + " bytes of data; the download is probably incomplete");
      }
      if (byName.put(entry.name(), entry) != null) {
        throw new FormatException(source + ": tensor=" + entry.name() + " stands there twice");
      }
    }
    long end = 0;
    TensorEntry before = null;
    for (TensorEntry entry :
        entries.stream().sorted(Comparator.comparingLong(TensorEntry::offset)).toList()) {
      if (entry.offset() < end) {
        throw new FormatException(
            source
                + ": tensor="
                + entry.name()
                + ", offset="
                + entry.offset()
                + ": begins within "
                + before.name()
                + ", which ends at "
                + end);
      }
      end = entry.offset() + entry.bytes();
      before = entry;
    }
    return Collections.unmodifiableMap(byName);
  }

  public String source() {
    return source;
  }

  public Metadata metadata() {
    return metadata;
  }

  /** Places of the tensors by name, in the order of the file. */
  public Map<String, TensorEntry> tensors() {
    return tensors;
  }

  /** Bytes of the file. */
  public long fileBytes() {
    return fileBytes;
  }

  /**
   * The tensor of that name in this file.
   *
   * @throws FormatException where there is none, or none of a type that runs
   */
  public Tensor tensor(String name) {
    TensorEntry entry = tensors.get(name);
    if (entry == null) {
      throw new FormatException(source + " has no tensor " + name);
    }
    DType dtype =
        entry
            .type()
            .dtype()
            .orElseThrow(
                () ->
                    new FormatException(
                        source
                            + ": tensor="
                            + name
                            + " is "
                            + entry.type()
                            + ", which is not supported; take a file of the model in one of "
                            + GgufType.readable()));
    return Tensor.of(dtype, data.asSlice(entry.offset(), entry.bytes()), entry.shape());
  }
}
