package dev.hone.model.format.onnx;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/** Small ONNX files for tests, written by protobuf's own library. */
final class ModelProto {
  static final int FLOAT = 1;
  private final ByteArrayOutputStream graph = new ByteArrayOutputStream();

  /** Writes the fields of one message. */
  @FunctionalInterface
  interface Content {
    void write(CodedOutputStream out) throws IOException;
  }

  static byte[] message(Content content) {
    try {
      var bytes = new ByteArrayOutputStream();
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      content.write(out);
      out.flush();
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A field of the graph. */
  ModelProto field(int number, Content content) {
    graph.writeBytes(message(out -> out.writeByteArray(number, message(content))));
    return this;
  }

  ModelProto node(
      String op, String name, List<String> inputs, String output, Content... attributes) {
    return field(
        1,
        out -> {
          for (String input : inputs) {
            out.writeString(1, input);
          }
          out.writeString(2, output);
          out.writeString(3, name);
          out.writeString(4, op);
          for (Content attribute : attributes) {
            attribute.write(out);
          }
        });
  }

  /** An integer attribute of a node. */
  static Content integer(String name, long value) {
    return out ->
        out.writeByteArray(
            5,
            message(
                a -> {
                  a.writeString(1, name);
                  a.writeInt64(3, value);
                }));
  }

  /** A float attribute of a node. */
  static Content number(String name, float value) {
    return out ->
        out.writeByteArray(
            5,
            message(
                a -> {
                  a.writeString(1, name);
                  a.writeFloat(2, value);
                }));
  }

  /** A node's domain. */
  static Content domain(String domain) {
    return out -> out.writeString(7, domain);
  }

  /** The attribute of a Constant node. */
  static Content value(Content tensor) {
    return out ->
        out.writeByteArray(
            5,
            message(
                a -> {
                  a.writeString(1, "value");
                  a.writeByteArray(5, message(tensor));
                }));
  }

  /** The note in which the dynamo exporter leaves a node's modules. */
  static Content scopes(String value) {
    return out ->
        out.writeByteArray(
            9,
            message(
                m -> {
                  m.writeString(1, "pkg.torch.onnx.name_scopes");
                  m.writeString(2, value);
                }));
  }

  /** Dims, type, name and whatever holds the numbers. */
  static Content tensor(String name, int type, Content numbers, long... dims) {
    return out -> {
      for (long dim : dims) {
        out.writeInt64(1, dim);
      }
      out.writeInt32(2, type);
      out.writeString(8, name);
      numbers.write(out);
    };
  }

  /** The numbers first, first + 1, ... as raw_data. */
  static Content counting(float first, int count) {
    return out -> {
      byte[] raw = new byte[count * 4];
      for (int i = 0; i < count; i++) {
        int bits = Float.floatToIntBits(first + i);
        for (int b = 0; b < 4; b++) {
          raw[i * 4 + b] = (byte) (bits >> 8 * b);
        }
      }
      out.writeByteArray(9, raw);
    };
  }

  ModelProto initializer(Content tensor) {
    return field(5, tensor);
  }

  /** A float initializer that counts from {@code first}. */
  ModelProto weight(String name, float first, long... dims) {
    int count = 1;
    for (long dim : dims) {
      count *= (int) dim;
    }
    return initializer(tensor(name, FLOAT, counting(first, count), dims));
  }

  byte[] bytes() {
    return message(
        out -> {
          out.writeInt64(1, 8);
          out.writeString(2, "pytorch");
          out.writeByteArray(7, graph.toByteArray());
        });
  }
}
