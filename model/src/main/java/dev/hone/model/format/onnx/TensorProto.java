package dev.hone.model.format.onnx;

import dev.hone.model.format.FormatException;
import dev.hone.tensor.DType.Plain;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A tensor as an ONNX file stores it: an initializer, or the value of a Constant node. Its numbers
 * stay in the file until asked for. Field numbers: {@code onnx.proto}, message TensorProto.
 */
final class TensorProto {
  /** Data types of 4 bits, from 0 to 15 and from -8 to 7. */
  static final int UINT4 = 21;

  static final int INT4 = 22;

  private static final int DIMS = 1;
  private static final int DATA_TYPE = 2;
  private static final int SEGMENT = 3;
  private static final int FLOAT_DATA = 4;
  private static final int INT32_DATA = 5;
  private static final int STRING_DATA = 6;
  private static final int INT64_DATA = 7;
  private static final int NAME = 8;
  private static final int RAW_DATA = 9;
  private static final int DOUBLE_DATA = 10;
  private static final int UINT64_DATA = 11;
  private static final int EXTERNAL_DATA = 13;
  private static final int DATA_LOCATION = 14;

  private static final int EXTERNAL_KEYS = 16;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String file;
  private String name = "";
  private final List<Long> dims = new ArrayList<>();
  private int dataType;
  private int dataField = RAW_DATA;
  private Fields numbers;
  private final Map<String, String> externalData = new HashMap<>();
  private boolean external;

  private TensorProto(String file) {
    this.file = file;
  }

  static TensorProto read(String file, Fields fields) {
    TensorProto tensor = new TensorProto(file);
    while (fields.next()) {
      switch (fields.number()) {
        case DIMS -> fields.forEachVarint(dim -> tensor.dimension(fields, dim));
        case DATA_TYPE -> tensor.dataType = (int) fields.varint();
        case NAME -> tensor.name = fields.text();
        case FLOAT_DATA, INT32_DATA, STRING_DATA, INT64_DATA, RAW_DATA, DOUBLE_DATA, UINT64_DATA ->
            tensor.numbers(fields);
        case EXTERNAL_DATA -> tensor.externalEntry(fields.message("external_data"));
        case DATA_LOCATION -> tensor.external = fields.varint() == 1;
        case SEGMENT -> throw fields.error("tensors in segments are not supported");
        default -> {}
      }
    }
    tensor.checkShape();
    return tensor;
  }

  String name() {
    return name;
  }

  /** Calls the tensor so: the value of a Constant node has no name but the node's output. */
  void name(String output) {
    name = output;
  }

  int rank() {
    return dims.size();
  }

  long dim(int axis) {
    return dims.get(axis);
  }

  long[] shape() {
    return dims.stream().mapToLong(Long::longValue).toArray();
  }

  long size() {
    return dims.stream().reduce(1L, (a, b) -> a * b);
  }

  /** Whether these could be a weight's numbers. */
  boolean floating() {
    return plain().filter(TensorProto::floating).isPresent();
  }

  static boolean floating(Plain type) {
    return switch (type) {
      case F64, F32, F16, BF16 -> true;
      case I64, I32, I16, I8, U8, BOOL -> false;
    };
  }

  /** The type of the numbers. */
  Plain dtype() {
    return plain()
        .orElseThrow(
            () ->
                error(
                    "data_type="
                        + dataType
                        + " is not supported; known are float, double, float16,"
                        + " bfloat16, int8, uint8, int16, int32, int64, bool"));
  }

  private Optional<Plain> plain() {
    return plain(dataType);
  }

  /** What {@code TensorProto.DataType} calls by that number, where we can hold it. */
  static Optional<Plain> plain(long dataType) {
    return Optional.ofNullable(
        switch ((int) dataType) {
          case 1 -> Plain.F32;
          case 2 -> Plain.U8;
          case 3 -> Plain.I8;
          case 5 -> Plain.I16;
          case 6 -> Plain.I32;
          case 7 -> Plain.I64;
          case 9 -> Plain.BOOL;
          case 10 -> Plain.F16;
          case 11 -> Plain.F64;
          case 16 -> Plain.BF16;
          default -> null;
        });
  }

  /**
   * The numbers, row-major and little-endian: a view of the mapped file where they lie there so,
   * else a copy in the arena.
   */
  MemorySegment data(Arena arena, ExternalFiles files) {
    long bytes = size() * dtype().bytes();
    if (external) {
      return files.slice(this, externalData, bytes);
    }
    if (dataField == INT32_DATA || dataField == INT64_DATA) {
      return decoded(arena, bytes);
    }
    MemorySegment data = numbers == null ? MemorySegment.NULL : numbers.bytes();
    if (data.byteSize() != bytes) {
      throw error(
          "dims="
              + dims
              + " of "
              + dtype().label()
              + " take "
              + bytes
              + " bytes, it has "
              + data.byteSize());
    }
    return data;
  }

  /** The bytes of integers of 4 bits, two a byte. */
  MemorySegment nibbles(ExternalFiles files) {
    long bytes = (size() + 1) / 2;
    if (dataType != INT4 && dataType != UINT4) {
      throw error("data_type=" + dataType + ", not integers of 4 bits");
    }
    if (external) {
      return files.slice(this, externalData, bytes);
    }
    if (dataField != RAW_DATA || numbers == null || numbers.bytes().byteSize() != bytes) {
      throw error("dims=" + dims + " take " + bytes + " bytes of raw_data");
    }
    return numbers.bytes();
  }

  /** An error about this tensor. */
  FormatException error(String what) {
    return new FormatException(file + ": tensor=" + name + ": " + what);
  }

  private MemorySegment decoded(Arena arena, long bytes) {
    long size = size();
    if (size > numbers.bytes().byteSize()) {
      throw count("at most " + numbers.bytes().byteSize());
    }
    Plain type = dtype();
    MemorySegment decoded = arena.allocate(bytes);
    long[] count = {0};
    numbers.forEachRest(
        number -> {
          long at = count[0]++;
          if (at == size) {
            throw count("more");
          }
          switch (type.bytes()) {
            case 1 -> decoded.set(ValueLayout.JAVA_BYTE, at, (byte) number);
            case 2 -> decoded.set(SHORT, at * 2, (short) number);
            case 4 -> decoded.set(INT, at * 4, (int) number);
            default -> decoded.set(LONG, at * 8, number);
          }
        });
    if (count[0] != size) {
      throw count(Long.toString(count[0]));
    }
    return decoded;
  }

  private FormatException count(String has) {
    return error("dims=" + dims + " promise " + size() + " numbers, it has " + has);
  }

  private void dimension(Fields fields, long dim) {
    if (dims.size() == OnnxLimits.RANK || dim < 0 || dim > OnnxLimits.NUMBERS) {
      throw fields.error(
          "dimension "
              + dims.size()
              + " is "
              + dim
              + "; allowed are "
              + OnnxLimits.RANK
              + " from 0 to "
              + OnnxLimits.NUMBERS);
    }
    dims.add(dim);
  }

  private void numbers(Fields fields) {
    int field = fields.number();
    Fields piece = fields.numbers();
    if (piece.bytes().byteSize() == 0) {
      return;
    }
    if (numbers != null) {
      // Protobuf allows pieces of a packed field, but nothing writes them.
      throw fields.error("tensor=" + name + ": more numbers, after those of field " + dataField);
    }
    dataField = field;
    numbers = piece;
  }

  private void externalEntry(Fields entry) {
    String key = "";
    String value = "";
    while (entry.next()) {
      switch (entry.number()) {
        case 1 -> key = entry.text();
        case 2 -> value = entry.text();
        default -> {}
      }
    }
    if (externalData.size() == EXTERNAL_KEYS) {
      throw entry.error("more than " + EXTERNAL_KEYS + " entries");
    }
    externalData.put(key, value);
  }

  private void checkShape() {
    long product = 1;
    for (long dim : dims) {
      // A zero must not hide the size of the others.
      long counted = Math.max(dim, 1);
      if (counted > OnnxLimits.NUMBERS / product) {
        throw error("dims=" + dims + " is too large");
      }
      product *= counted;
    }
    // Which of the fields a type's numbers stand in: onnx.proto, comments of the fields.
    Plain type = plain().orElse(null);
    if (type == null || numbers == null || dataField == RAW_DATA) {
      return;
    }
    int wanted =
        switch (type) {
          case F32 -> FLOAT_DATA;
          case F64 -> DOUBLE_DATA;
          case I64 -> INT64_DATA;
          case F16, BF16, I32, I16, I8, U8, BOOL -> INT32_DATA;
        };
    if (dataField != wanted) {
      throw error(
          "numbers of " + type.label() + " stand in field " + dataField + ", not " + wanted);
    }
  }

  @Override
  public String toString() {
    return name + " " + dims;
  }
}
