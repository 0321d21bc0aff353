package dev.hone.model.format.gptq;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.gptq.GptqConfig.Packing;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Quantized weights in the layouts of GPTQ and AWQ, put together: {@code X.weight} of a quantized
 * layer X is one tensor of type {@link Affine}.
 *
 * <pre>
 *               GPTQ                                     AWQ
 *   X.qweight   I32 [in * bits / 32, out], down          I32 [in, out / 8]
 *   X.qzeros    I32 [group, out * bits / 32], across     I32 [group, out / 8]
 *   X.scales    float [group, out]                       float [group, out]
 *   X.g_idx     I32 [in]: the group of each input        none
 * </pre>
 *
 * {@link WordMatrix} shows the words. The matrices lie the other way round than products read them,
 * so all of them are written anew: 2 and 3 bits take 4 then. Where {@code g_idx} is out of order
 * (GPTQ's {@code desc_act}), a group's inputs are brought together, and the tensor says in which
 * order they stand.
 *
 * <p>Zero points of GPTQ are stored less one, so that 0 stands as the largest number; in files of
 * {@code checkpoint_format} gptq_v2 they stand as they are. Specification: {@code qlinear} of
 * AutoGPTQ and GPTQModel, {@code WQLinear_GEMM} of AutoAWQ.
 */
public final class GptqCheckpoint implements Checkpoint {
  private static final String WEIGHT = ".weight";
  private static final String QWEIGHT = ".qweight";
  private static final String QZEROS = ".qzeros";
  private static final String SCALES = ".scales";
  private static final String GROUPS = ".g_idx";
  private static final List<String> PARTS = List.of(QWEIGHT, QZEROS, SCALES, GROUPS);

  private final Checkpoint stored;
  private final GptqConfig config;
  private final Arena arena;
  private final Set<String> layers = new TreeSet<>();
  private final Set<String> names = new TreeSet<>();
  private final Map<String, Tensor> assembled = new HashMap<>();

  private GptqCheckpoint(Checkpoint stored, GptqConfig config, Arena arena) {
    this.stored = stored;
    this.config = config;
    this.arena = arena;
    for (String name : stored.names()) {
      Optional<String> part = PARTS.stream().filter(name::endsWith).findFirst();
      if (part.isEmpty()) {
        names.add(name);
      } else {
        String layer = name.substring(0, name.length() - part.get().length());
        layers.add(layer);
        names.add(layer + WEIGHT);
      }
    }
  }

  /**
   * Puts the weights of a GPTQ model together.
   *
   * @param quantization the model's {@code quantization_config}
   * @param arena owns the weights
   */
  public static Checkpoint openGptq(Checkpoint stored, Config quantization, Arena arena) {
    return new GptqCheckpoint(stored, GptqConfig.read(quantization, Packing.GPTQ), arena);
  }

  /** The same of an AWQ model. */
  public static Checkpoint openAwq(Checkpoint stored, Config quantization, Arena arena) {
    return new GptqCheckpoint(stored, GptqConfig.read(quantization, Packing.AWQ), arena);
  }

  @Override
  public String source() {
    return stored.source();
  }

  @Override
  public Set<String> names() {
    return names;
  }

  @Override
  public long fileBytes() {
    return stored.fileBytes();
  }

  @Override
  public synchronized Tensor tensor(String name) {
    String layer = name.endsWith(WEIGHT) ? name.substring(0, name.length() - WEIGHT.length()) : "";
    if (!layers.contains(layer)) {
      return stored.tensor(name);
    }
    Tensor tensor = assembled.get(layer);
    if (tensor == null) {
      tensor = assemble(layer);
      assembled.put(layer, tensor);
    }
    return tensor;
  }

  private Tensor assemble(String layer) {
    int bits = config.bits();
    Tensor words = words(layer, QWEIGHT);
    boolean down = config.packing() == Packing.GPTQ;
    if (down && words.rows() * 32 % bits != 0) {
      throw wrong(layer, QWEIGHT, words + ": no whole number of " + bits + "-bit integers");
    }
    long in = down ? words.rows() * 32 / bits : words.rows();
    long out = down ? words.cols() : words.cols() * 8;
    if (words.rank() != 2
        || in < 1
        || out < 1
        || in > Integer.MAX_VALUE
        || out > Integer.MAX_VALUE) {
      throw wrong(layer, QWEIGHT, words + ": must hold a matrix");
    }
    int columns = config.group() == 0 ? (int) in : config.group();
    int groups = Math.toIntExact(Math.ceilDiv(in, columns));
    int[] columnOrder = columnOrder(layer, (int) in, columns, groups);
    Tensor scales = scales(layer, groups, out);
    Tensor zeros = zeros(layer, groups, out);
    int wide = bits == 8 ? 8 : 4;
    boolean symmetric = all(zeros, wide == 8 ? 0 : 8);
    Affine type = new Affine(wide, config.group(), symmetric);
    MemorySegment data = arena.allocate(out * type.rowBytes(in), Tensor.ALIGNMENT);
    if (columnOrder == null && down && bits == wide) {
      turnWords(words, wide == 8 ? 0x80808080 : 0, data);
    } else {
      WordMatrix.Order order = down ? WordMatrix.Order.DOWN : WordMatrix.Order.AWQ;
      turn(new WordMatrix(order, bits, words), in, out, columnOrder, type, data);
    }
    Tensor weight = Tensor.affine(type, data, out, in, scales, symmetric ? null : zeros);
    return columnOrder == null ? weight : weight.inColumnOrder(columnOrder);
  }

  /** Whole words of inputs become whole words of a row. */
  private static void turnWords(Tensor words, int flip, MemorySegment data) {
    long rows = words.cols();
    long cols = words.rows();
    for (long row = 0; row < rows; row++) {
      for (long col = 0; col < cols; col++) {
        int word = words.data().get(WordMatrix.INT, (col * rows + row) * Integer.BYTES);
        data.set(WordMatrix.INT, (row * cols + col) * Integer.BYTES, word ^ flip);
      }
    }
  }

  /** Integer by integer. */
  private static void turn(
      WordMatrix integers, long in, long out, int[] order, Affine type, MemorySegment data) {
    long rowBytes = type.rowBytes(in);
    for (int place = 0; place < in; place++) {
      int input = order == null ? place : order[place];
      for (long row = 0; row < out; row++) {
        int q = integers.get(input, row);
        if (type.bits() == 8) {
          data.set(JAVA_BYTE, row * rowBytes + place, (byte) (q - 128));
        } else {
          long at = row * rowBytes + place / 2;
          data.set(JAVA_BYTE, at, (byte) (data.get(JAVA_BYTE, at) | q << place % 2 * 4));
        }
      }
    }
  }

  /** [out, group], in the type they are stored in. */
  private Tensor scales(String layer, int groups, long out) {
    Tensor scales = part(layer, SCALES);
    if (!List.of(Plain.F32, Plain.F16, Plain.BF16).contains(scales.dtype())) {
      throw wrong(layer, SCALES, scales + ": must be F32, F16 or BF16");
    }
    requireShape(layer, SCALES, scales, groups, out);
    return scales.transposed(arena);
  }

  /** Zero points in the domain of {@link Affine}: I8 [out, group]. */
  private Tensor zeros(String layer, int groups, long out) {
    Tensor words = words(layer, QZEROS);
    int bits = config.bits();
    requireShape(layer, QZEROS, words, groups, Math.ceilDiv(out * bits, 32));
    WordMatrix.Order order =
        config.packing() == Packing.AWQ ? WordMatrix.Order.AWQ : WordMatrix.Order.ACROSS;
    WordMatrix stored = new WordMatrix(order, bits, words);
    Tensor zeros = Tensor.allocate(arena, Plain.I8, out, groups);
    for (int group = 0; group < groups; group++) {
      for (long row = 0; row < out; row++) {
        int zero = stored.get(group, row) + config.zeroShift() & (1 << bits) - 1;
        zeros.data().set(JAVA_BYTE, row * groups + group, (byte) (bits == 8 ? zero - 128 : zero));
      }
    }
    return zeros;
  }

  private static boolean all(Tensor bytes, int value) {
    for (long i = 0; i < bytes.size(); i++) {
      if (bytes.data().get(JAVA_BYTE, i) != value) {
        return false;
      }
    }
    return true;
  }

  /**
   * The inputs, those of one group after those of another; null where they stand so.
   *
   * @param columns of a group, of which the last may have fewer
   */
  private int[] columnOrder(String layer, int in, int columns, int groups) {
    if (!stored.names().contains(layer + GROUPS)) {
      return null;
    }
    Tensor of = words(layer, GROUPS);
    if (of.size() != in) {
      throw wrong(layer, GROUPS, of + ": must be one number for each of " + in + " inputs");
    }
    int[] next = new int[groups];
    Arrays.setAll(next, g -> g * columns);
    int[] order = new int[in];
    boolean sorted = true;
    for (int input = 0; input < in; input++) {
      int group = of.data().get(WordMatrix.INT, (long) input * Integer.BYTES);
      if (group < 0 || group >= groups || next[group] >= Math.min(in, (group + 1L) * columns)) {
        throw wrong(
            layer,
            GROUPS,
            "input "
                + input
                + " is in group "
                + group
                + ": there are "
                + groups
                + " of "
                + columns);
      }
      sorted &= next[group] == input;
      order[next[group]++] = input;
    }
    return sorted ? null : order;
  }

  private Tensor words(String layer, String part) {
    Tensor words = part(layer, part);
    if (words.dtype() != Plain.I32) {
      throw wrong(layer, part, words + ": must be i32");
    }
    return words;
  }

  private void requireShape(String layer, String part, Tensor tensor, long rows, long cols) {
    if (tensor.rank() != 2 || tensor.rows() != rows || tensor.cols() != cols) {
      throw wrong(layer, part, tensor + ": must have the shape [" + rows + ", " + cols + "]");
    }
  }

  private Tensor part(String layer, String part) {
    if (!stored.names().contains(layer + part)) {
      throw wrong(layer, part, "is missing, but the layer has others of its parts");
    }
    return stored.tensor(layer + part);
  }

  private FormatException wrong(String layer, String part, String what) {
    return new FormatException(stored.source() + ": tensor=" + layer + part + ": " + what);
  }
}
