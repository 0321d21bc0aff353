package dev.hone.model.format.gguf;

import dev.hone.model.format.FormatException;
import dev.hone.model.format.gguf.MetadataValue.Array;
import dev.hone.model.format.gguf.MetadataValue.Fraction;
import dev.hone.model.format.gguf.MetadataValue.Text;
import dev.hone.model.format.gguf.MetadataValue.Whole;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * The keys of a GGUF file and what stands under them; what is missing or of a wrong kind is named.
 *
 * @param values by key, in the order of the file
 */
public record Metadata(String source, Map<String, MetadataValue> values) {
  private static final VarHandle LENGTH =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Published vocabularies take some 10 MB. */
  private static final int MOST_TEXT_BYTES = 1 << 30;

  public boolean has(String key) {
    return values.containsKey(key);
  }

  /**
   * A whole number of any width.
   *
   * @throws FormatException where it is missing, or not from {@code least} to {@code most}
   */
  public int integer(String key, int least, int most) {
    MetadataValue value = required(key);
    if (value instanceof Whole whole
        && whole.kind() != MetadataKind.BOOL
        && whole.value() >= least
        && whole.value() <= most) {
      return (int) whole.value();
    }
    throw wrong(key, "a whole number from " + least + " to " + most);
  }

  public int integer(String key, int least, int most, int otherwise) {
    return has(key) ? integer(key, least, most) : otherwise;
  }

  /** A finite number. */
  public double number(String key) {
    double value =
        switch (required(key)) {
          case Fraction fraction -> fraction.value();
          case Whole whole when whole.kind() != MetadataKind.BOOL -> whole.value();
          case Whole _, Text _, Array _ -> Double.NaN;
        };
    if (!Double.isFinite(value)) {
      throw wrong(key, "a number");
    }
    return value;
  }

  public double number(String key, double otherwise) {
    return has(key) ? number(key) : otherwise;
  }

  public boolean flag(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (values.get(key) instanceof Whole whole && whole.kind() == MetadataKind.BOOL) {
      return whole.value() != 0;
    }
    throw wrong(key, "true or false");
  }

  public String text(String key) {
    if (required(key) instanceof Text text) {
      return decoded(key, text);
    }
    throw wrong(key, "a text");
  }

  public String text(String key, String otherwise) {
    return has(key) ? text(key) : otherwise;
  }

  private String decoded(String key, Text text) {
    try {
      return text.decode();
    } catch (CharacterCodingException e) {
      throw new FormatException(source + ": key=" + key + " is not UTF-8", e);
    }
  }

  /** The texts of an array. */
  public List<String> texts(String key) {
    if (!(required(key) instanceof Array array) || array.elements() != MetadataKind.STRING) {
      throw wrong(key, "an array of texts");
    }
    if (array.bytes().byteSize() > MOST_TEXT_BYTES) {
      throw wrong(key, "an array of texts of at most " + MOST_TEXT_BYTES + " bytes together");
    }
    List<String> texts = new ArrayList<>(array.count());
    byte[] bytes = array.bytes().toArray(ValueLayout.JAVA_BYTE);
    for (int at = 0; at < bytes.length; ) {
      int length = (int) (long) LENGTH.get(bytes, at);
      at += Long.BYTES;
      String text = new String(bytes, at, length, StandardCharsets.UTF_8);
      boolean replaced = text.indexOf('\uFFFD') >= 0; // or it stands there
      texts.add(replaced ? decoded(key, new Text(array.bytes().asSlice(at, length))) : text);
      at += length;
    }
    return texts;
  }

  /** The whole numbers of an array, each of 32 bits at most. */
  public int[] integers(String key) {
    if (required(key) instanceof Array array) {
      IntUnaryOperator read =
          switch (array.elements()) {
            case INT8 -> i -> array.bytes().get(ValueLayout.JAVA_BYTE, i);
            case UINT8 -> i -> array.bytes().get(ValueLayout.JAVA_BYTE, i) & 0xFF;
            case INT16 -> i -> array.bytes().get(Cursor.SHORT, i * 2L);
            case UINT16 -> i -> array.bytes().get(Cursor.SHORT, i * 2L) & 0xFFFF;
            case INT32, UINT32 -> i -> array.bytes().get(Cursor.INT, i * 4L);
            case FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64 -> null;
          };
      if (read != null) {
        return IntStream.range(0, array.count()).map(read).toArray();
      }
    }
    throw wrong(key, "an array of whole numbers of up to 32 bits");
  }

  /** The truth values of an array. */
  public boolean[] flags(String key) {
    if (!(required(key) instanceof Array array) || array.elements() != MetadataKind.BOOL) {
      throw wrong(key, "an array of truth values");
    }
    boolean[] flags = new boolean[array.count()];
    for (int i = 0; i < flags.length; i++) {
      flags[i] = array.bytes().get(ValueLayout.JAVA_BYTE, i) != 0;
    }
    return flags;
  }

  /** The numbers of an array of FLOAT32. */
  public float[] floats(String key) {
    if (!(required(key) instanceof Array array) || array.elements() != MetadataKind.FLOAT32) {
      throw wrong(key, "an array of FLOAT32");
    }
    return array.bytes().toArray(dev.hone.tensor.Tensor.FLOAT);
  }

  private MetadataValue required(String key) {
    MetadataValue value = values.get(key);
    if (value == null) {
      throw new FormatException(source + ": key=" + key + " is missing");
    }
    return value;
  }

  /** An error about a key's value. */
  public FormatException wrong(String key, String wanted) {
    String value = String.valueOf(values.get(key));
    String shown = value.length() > 80 ? value.substring(0, 80) + "..." : value;
    return new FormatException(source + ": key=" + key + " must be " + wanted + ", not " + shown);
  }
}
