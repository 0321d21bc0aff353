package dev.hone.model.format.onnx;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An ONNX graph as it grows: nodes in the order in which they run, and the tensors that they read.
 * The tensors' numbers are made while they are written, one after the other. Field numbers: {@code
 * onnx.proto}.
 */
final class GraphWriter {
  /** Bytes of a message that protobuf's libraries read at most. */
  static final long MAX_BYTES = Integer.MAX_VALUE;

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final long CHUNK_BYTES = 1 << 28;

  /** The first version of ONNX's operators where all that reduce take axes as an input. */
  private static final int OPSET = 18;

  /** The first with integers of 4 bits, and with scales for groups of rows. */
  private static final int OPSET_OF_GROUPS = 21;

  private static final int IR_VERSION = 8;
  private static final int IR_VERSION_OF_GROUPS = 10;
  private static final int INITIALIZER = 5;

  private final Message nodes = new Message();
  private final Message ends = new Message();
  private final Map<String, Initializer> initializers = new LinkedHashMap<>();
  private int count;
  private boolean groups;

  /** What a tensor holds, row-major and little-endian. */
  @FunctionalInterface
  interface Numbers {
    MemorySegment in(Arena arena);
  }

  private record Initializer(String name, int type, long[] dims, long bytes, Numbers numbers) {}

  /** A setting of a node, in the field of NodeProto that it stands in. */
  record Attribute(int field, Message message) {
    private static final int SETTING = 5;
    private static final int METADATA = 9;

    private Attribute(Message message) {
      this(SETTING, message);
    }

    /** What a node means to Hone; nobody else looks at it. */
    static Attribute mark(String key, String value) {
      return new Attribute(METADATA, new Message().text(1, key).text(2, value));
    }

    static Attribute integer(String name, long value) {
      return new Attribute(new Message().text(1, name).number(3, value).number(20, 2));
    }

    static Attribute integers(String name, long... values) {
      Message message = new Message().text(1, name);
      for (long value : values) {
        message.number(8, value);
      }
      return new Attribute(message.number(20, 7));
    }

    static Attribute text(String name, String value) {
      return new Attribute(new Message().text(1, name).text(4, value).number(20, 3));
    }

    static Attribute number(String name, float value) {
      return new Attribute(new Message().text(1, name).float32(2, value).number(20, 1));
    }
  }

  /** Adds a node; answers the name of its output. */
  String node(String op, List<String> inputs, Attribute... attributes) {
    return node(op, "/" + op + "_" + count, inputs, attributes);
  }

  /** Adds a node under a name that tells where it stands. */
  String node(String op, String name, List<String> inputs, Attribute... attributes) {
    return node(op, name, inputs, op + "_" + count++, attributes);
  }

  /** Adds a node whose output has a name of its own. */
  String node(String op, String name, List<String> inputs, String output, Attribute... attributes) {
    Message node = new Message();
    inputs.forEach(input -> node.text(1, input));
    node.text(2, output).text(3, name).text(4, op);
    for (Attribute attribute : attributes) {
      node.message(attribute.field(), attribute.message());
    }
    nodes.message(1, node);
    return output;
  }

  /** A tensor that the file holds, the first of its name. */
  String initializer(String name, Plain type, long[] dims, Numbers numbers) {
    long bytes = Arrays.stream(dims).reduce(type.bytes(), Math::multiplyExact);
    initializers.putIfAbsent(name, new Initializer(name, number(type), dims, bytes, numbers));
    return name;
  }

  /**
   * A tensor of integers of 4 bits, two a byte, the first one low.
   *
   * @param type {@link TensorProto#INT4} or {@link TensorProto#UINT4}
   */
  String nibbles(String name, int type, long[] dims, Numbers numbers) {
    long count = Arrays.stream(dims).reduce(1, Math::multiplyExact);
    initializers.putIfAbsent(name, new Initializer(name, type, dims, (count + 1) / 2, numbers));
    groups = true;
    return name;
  }

  /** The setting that so many rows share a scale. */
  Attribute group(int rows) {
    groups = true;
    return Attribute.integer("block_size", rows);
  }

  /** A number. */
  String constant(float value) {
    return initializer(
        "float/" + value,
        Plain.F32,
        new long[0],
        arena -> Tensor.copyOf(arena, new float[] {value}).data());
  }

  /** A number from 0 to 255, as a byte. */
  String octet(int value) {
    return initializer(
        "octet/" + value,
        Plain.U8,
        new long[0],
        arena -> MemorySegment.ofArray(new byte[] {(byte) value}));
  }

  /** A whole number. */
  String integer(long value) {
    return integers("integer/" + value, new long[0], value);
  }

  /** A list of whole numbers: a shape, or axes. */
  String integers(long... values) {
    return integers("integers/" + Arrays.toString(values), new long[] {values.length}, values);
  }

  /** A tensor of whole numbers. */
  String integers(String name, long[] dims, long... values) {
    return initializer(
        name,
        Plain.I64,
        dims,
        arena -> {
          MemorySegment numbers = arena.allocate(values.length * (long) Long.BYTES);
          for (int i = 0; i < values.length; i++) {
            numbers.set(LONG, i * (long) Long.BYTES, values[i]);
          }
          return numbers;
        });
  }

  /** What {@code TensorProto.DataType} calls a type. */
  static int number(Plain type) {
    return switch (type) {
      case F32 -> 1;
      case U8 -> 2;
      case I8 -> 3;
      case I16 -> 5;
      case I32 -> 6;
      case I64 -> 7;
      case BOOL -> 9;
      case F16 -> 10;
      case F64 -> 11;
      case BF16 -> 16;
    };
  }

  /** What the graph is given; a dimension is a number or the name of one. */
  void input(String name, Plain type, Object... dims) {
    ends.message(11, valueInfo(name, type, dims));
  }

  /** What it answers. */
  void output(String name, Plain type, Object... dims) {
    ends.message(12, valueInfo(name, type, dims));
  }

  private static Message valueInfo(String name, Plain type, Object... dims) {
    Message shape = new Message();
    for (Object dim : dims) {
      shape.message(
          1,
          dim instanceof Long number
              ? new Message().number(1, number)
              : new Message().text(2, dim.toString()));
    }
    Message tensor = new Message().number(1, number(type)).message(2, shape);
    return new Message().text(1, name).message(2, new Message().message(1, tensor));
  }

  /**
   * Writes the model.
   *
   * @param external takes the tensors' numbers, under the name that the model calls that file by;
   *     null where they stand in the model itself
   */
  void write(FileChannel model, FileChannel external, String location) throws IOException {
    List<Message> tensors = new ArrayList<>();
    long at = 0;
    long graphBytes = (long) nodes.size() + ends.size();
    Message name = new Message().text(2, "hone");
    for (Initializer initializer : initializers.values()) {
      Message tensor = tensor(initializer, external == null ? null : location, at);
      long bytes = tensor.size() + (external == null ? initializer.bytes() : 0);
      graphBytes += new Message().length(INITIALIZER, bytes).size() + bytes;
      tensors.add(tensor);
      at += initializer.bytes();
    }
    graphBytes += name.size();
    Message head =
        new Message()
            .number(1, groups ? IR_VERSION_OF_GROUPS : IR_VERSION)
            .text(2, "hone")
            .message(8, new Message().text(1, "").number(2, groups ? OPSET_OF_GROUPS : OPSET))
            .length(7, graphBytes);
    put(model, head);
    put(model, name);
    put(model, nodes);
    int i = 0;
    for (Initializer initializer : initializers.values()) {
      Message tensor = tensors.get(i++);
      long bytes = tensor.size() + (external == null ? initializer.bytes() : 0);
      put(model, new Message().length(INITIALIZER, bytes));
      put(model, tensor);
      try (Arena arena = Arena.ofConfined()) {
        put(external == null ? model : external, initializer.numbers().in(arena));
      }
    }
    put(model, ends);
  }

  /** About the bytes of the whole file. */
  long sizeBytes() {
    long headers = 256L * initializers.size() + nodes.size() + ends.size();
    return headers + initializers.values().stream().mapToLong(Initializer::bytes).sum();
  }

  /** A tensor up to the bytes of its numbers, or with the place of these in another file. */
  private static Message tensor(Initializer initializer, String location, long at) {
    Message tensor = new Message();
    for (long dim : initializer.dims()) {
      tensor.number(1, dim);
    }
    tensor.number(2, initializer.type()).text(8, initializer.name());
    if (location == null) {
      return tensor.length(9, initializer.bytes());
    }
    Map<String, String> place = new LinkedHashMap<>();
    place.put("location", location);
    place.put("offset", Long.toString(at));
    place.put("length", Long.toString(initializer.bytes()));
    place.forEach((key, value) -> tensor.message(13, new Message().text(1, key).text(2, value)));
    return tensor.number(14, 1);
  }

  private static void put(FileChannel channel, Message message) throws IOException {
    put(channel, MemorySegment.ofArray(message.bytes()));
  }

  private static void put(FileChannel channel, MemorySegment bytes) throws IOException {
    for (long at = 0; at < bytes.byteSize(); at += CHUNK_BYTES) {
      long length = Math.min(CHUNK_BYTES, bytes.byteSize() - at);
      ByteBuffer chunk = bytes.asSlice(at, length).asByteBuffer();
      while (chunk.hasRemaining()) {
        channel.write(chunk);
      }
    }
  }
}
