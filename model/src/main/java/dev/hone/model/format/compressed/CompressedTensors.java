package dev.hone.model.format.compressed;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.model.Transformer;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Quantized weights that lie in several tensors of a checkpoint, put together: {@code X.weight} of
 * a quantized layer X is one tensor of type {@link Affine}.
 *
 * <pre>
 *   pack-quantized                                       int-quantized, naive-quantized
 *   X.weight_packed      I32 [row, word]                 X.weight             I8 [row, col]
 *   X.weight_shape       I64 [2]: rows, cols
 *   X.weight_scale       float [row, group]              X.weight_scale       float [row, group]
 *   X.weight_zero_point  I32 [word, group], asymmetric   X.weight_zero_point  I8 [row, group], asymmetric
 * </pre>
 *
 * Inputs that are rounded on a grid of the layer's have it in {@code X.input_scale}, one float, and
 * {@code X.input_zero_point}, one I8. Where {@code strategy} is {@code channel}, they are
 * multiplied with {@code X.input_factors}, F32 [col], first: this is Hone's own.
 *
 * <p>A matrix that the architecture's checkpoints have transposed (GPT-2's) is quantized as [row,
 * col] = [out, in] too, which no other program reads: theirs know plain linear layers alone.
 *
 * <p>Weights that are not quantized may lie without their zeros: {@link Bitmasks}.
 *
 * <p>Four-bit {@code weight_packed} is used where it lies; {@link PackedIntegers} says what the
 * others cost. Specification: {@code compressors/pack_quantized} and {@code
 * compressors/naive_quantized} of the compressed-tensors library.
 */
public final class CompressedTensors implements Checkpoint {
  static final String WEIGHT = ".weight";
  static final String PACKED = ".weight_packed";
  static final String SHAPE = ".weight_shape";
  static final String SCALE = ".weight_scale";
  static final String ZERO_POINT = ".weight_zero_point";
  static final String INPUT_SCALE = ".input_scale";
  static final String INPUT_ZERO_POINT = ".input_zero_point";
  static final String INPUT_FACTORS = ".input_factors";

  /** What is added to a signed zero point, so that it counts from the least number. */
  static final int SIGNED = 128;

  private static final String COLUMN_GROUPS = ".weight_g_idx";
  private static final List<String> PARTS =
      List.of(
          PACKED,
          SHAPE,
          INPUT_SCALE,
          INPUT_ZERO_POINT,
          INPUT_FACTORS,
          SCALE,
          ZERO_POINT,
          COLUMN_GROUPS);

  private static final List<Plain> FLOATS = List.of(Plain.F32, Plain.F16, Plain.BF16);

  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Checkpoint stored;
  private final Arena arena;
  private final Map<String, Scheme> schemes;
  private final Set<String> names;
  private final Map<String, Tensor> assembled = new HashMap<>();

  private CompressedTensors(
      Checkpoint stored, Arena arena, Map<String, Scheme> schemes, Set<String> names) {
    this.stored = stored;
    this.arena = arena;
    this.schemes = schemes;
    this.names = names;
  }

  /**
   * Makes sure that the layout has words for a matrix and for how it is read.
   *
   * @param name of the weight
   * @param reordered whether its columns stand in another order (GPTQ's desc_act)
   * @throws FormatException where it has not
   */
  public static void require(String name, DType type, Input input, boolean reordered) {
    if (type instanceof DType.Block) {
      throw new FormatException(
          name
              + " is "
              + type.label()
              + ": compressed-tensors has no such blocks; quantize to int8 or int4, or a GGUF file"
              + " to another");
    }
    if (type instanceof Plain && !written(input).equals(Input.FLOAT)) {
      throw new FormatException(
          name
              + " is "
              + type.label()
              + ", but the layer's input is rounded to 8 bits: compressed-tensors rounds inputs of"
              + " quantized weights only; encode it as int8-channel");
    }
    if (type instanceof Affine && name.contains("/")) {
      throw new FormatException(
          name
              + " is "
              + type.label()
              + ": what reads "
              + name
              + " knows plain numbers only; leave this layer as it is");
    }
    if (reordered) {
      throw new FormatException(
          name
              + " has its columns in another order (GPTQ's desc_act), which is not written yet;"
              + " encode the layer in another type first");
    }
  }

  /** What the layout has words for: the config says of inputs in BF16 itself. */
  static Input written(Input input) {
    return input.equals(Input.BF16) ? Input.FLOAT : input;
  }

  /**
   * Reads what a model's config says of quantization: the checkpoint itself where that is nothing.
   *
   * @param config the model's {@code config.json}
   * @param arena owns what cannot be used as it is stored
   */
  public static Checkpoint open(Checkpoint stored, Config config, Arena arena) {
    // The second name is that of early 2024.
    Optional<Config> quantization =
        config.object("quantization_config").or(() -> config.object("compression_config"));
    if (quantization.isEmpty()) {
      return stored;
    }
    QuantizationConfig read = QuantizationConfig.read(quantization.get());
    Checkpoint dense = read.sparse() ? Bitmasks.open(stored, arena) : stored;
    Map<String, Scheme> schemes = new TreeMap<>();
    Set<String> names = new TreeSet<>();
    for (String name : dense.names()) {
      Optional<String> part = PARTS.stream().filter(name::endsWith).findFirst();
      if (part.isEmpty()) {
        names.add(name);
        continue;
      }
      String layer = name.substring(0, name.length() - part.get().length());
      names.add(layer + WEIGHT);
      if (!schemes.containsKey(layer)) {
        schemes.put(
            layer,
            read.scheme(layer)
                .orElseThrow(
                    () ->
                        new FormatException(
                            stored.source()
                                + ": tensor="
                                + name
                                + ": quantization_config does not"
                                + " quantize the layer "
                                + layer)));
      }
    }
    return new CompressedTensors(dense, arena, schemes, names);
  }

  /**
   * The tensors that a model becomes in this layout, and the {@code quantization_config} that says
   * so. Weights that are used as they lie share the model's memory.
   *
   * @param arena owns what must be written in another form
   * @throws IllegalArgumentException where the layout cannot hold a weight
   */
  public static Encoded encode(Transformer model, Arena arena) {
    return Encoder.encode(model, arena);
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

  /** Quantized matrices are [out, in] in every architecture: groups are of inputs. */
  @Override
  public boolean outputsFirst(String name) {
    return schemes.containsKey(layerOf(name)) || stored.outputsFirst(name);
  }

  @Override
  public Input input(String layer) {
    Scheme scheme = schemes.get(layer);
    if (scheme == null) {
      return Input.FLOAT;
    }
    if (scheme.input().isPresent() && stored.names().contains(layer + INPUT_SCALE)) {
      throw wrong(
          layer, INPUT_SCALE, "is there, but quantization_config has no static input_activations");
    }
    return scheme.input().orElseGet(() -> staticInput(layer, scheme));
  }

  private Input staticInput(String layer, Scheme scheme) {
    Tensor scale = part(layer, INPUT_SCALE);
    if (!FLOATS.contains(scale.dtype()) || scale.size() != 1) {
      throw wrong(layer, INPUT_SCALE, scale + ": must be one number in F32, F16 or BF16");
    }
    float[] step = new float[1];
    Layouts.decode(scale.reshape(1, 1), 0, step);
    int zero = 0;
    if (stored.names().contains(layer + INPUT_ZERO_POINT)) {
      Tensor point = part(layer, INPUT_ZERO_POINT, Plain.I8);
      if (point.size() != 1) {
        throw wrong(layer, INPUT_ZERO_POINT, point + ": must be one number");
      }
      zero = point.data().get(JAVA_BYTE, 0);
    }
    try {
      return new StaticInt8(step[0], zero + SIGNED, factors(layer, scheme));
    } catch (IllegalArgumentException e) {
      throw wrong(layer, INPUT_SCALE, e.getMessage());
    }
  }

  private ColumnFactors factors(String layer, Scheme scheme) {
    if (!scheme.factors()) {
      if (stored.names().contains(layer + INPUT_FACTORS)) {
        throw wrong(
            layer, INPUT_FACTORS, "is there, but the strategy of input_activations is tensor");
      }
      return ColumnFactors.NONE;
    }
    Tensor factors = part(layer, INPUT_FACTORS, Plain.F32);
    long cols = tensor(layer + WEIGHT).cols();
    if (factors.rank() != 1 || factors.size() != cols) {
      throw wrong(layer, INPUT_FACTORS, factors + ": must have the shape [" + cols + "]");
    }
    try {
      return ColumnFactors.of(factors.toArray());
    } catch (IllegalArgumentException e) {
      throw wrong(layer, INPUT_FACTORS, e.getMessage());
    }
  }

  @Override
  public synchronized Tensor tensor(String name) {
    String layer = layerOf(name);
    Scheme scheme = schemes.get(layer);
    if (scheme == null) {
      return stored.tensor(name);
    }
    Tensor tensor = assembled.get(layer);
    if (tensor == null) {
      tensor = assemble(layer, scheme);
      assembled.put(layer, tensor);
    }
    return tensor;
  }

  /** The layer whose weight has that name; no layer's name where it is another tensor's. */
  static String layerOf(String name) {
    return name.endsWith(WEIGHT) ? name.substring(0, name.length() - WEIGHT.length()) : "";
  }

  private Tensor assemble(String layer, Scheme scheme) {
    Tensor stored =
        switch (scheme.packing()) {
          case PACK_QUANTIZED -> part(layer, PACKED, Plain.I32);
          case INT_QUANTIZED -> part(layer, WEIGHT, Plain.I8);
        };
    long rows = stored.rows();
    long cols =
        switch (scheme.packing()) {
          case PACK_QUANTIZED -> cols(layer, stored, scheme.bits());
          case INT_QUANTIZED -> stored.cols();
        };
    if (stored.rank() != 2 || rows < 1 || cols < 1) {
      throw wrong(layer, WEIGHT, "shape=" + stored.shapeText() + ": must be a matrix");
    }
    Affine dtype =
        new Affine(scheme.bits(), scheme.group(), scheme.symmetric(), scheme.perTensor());
    checkColumnGroups(layer, dtype, cols);
    return Tensor.affine(
        dtype,
        data(layer, scheme, stored, rows, cols),
        rows,
        cols,
        scales(layer, scheme, rows, dtype.groups(cols)),
        zeros(layer, scheme, rows, dtype.groups(cols)));
  }

  private MemorySegment data(String layer, Scheme scheme, Tensor stored, long rows, long cols) {
    return switch (scheme.packing()) {
      case PACK_QUANTIZED ->
          scheme.bits() == 8
              ? PackedIntegers.unpackBytes(stored, rows, cols, arena)
              : stored.data();
      case INT_QUANTIZED -> {
        MemorySegment data =
            scheme.bits() == 8
                ? stored.data()
                : PackedIntegers.pack(stored.data(), rows, cols, scheme.bits(), arena);
        if (data == null) {
          throw wrong(layer, WEIGHT, outside(scheme.bits()));
        }
        yield data;
      }
    };
  }

  /** The columns that {@code weight_shape} promises, checked against the words that are there. */
  private long cols(String layer, Tensor packed, int bits) {
    Tensor shape = part(layer, SHAPE, Plain.I64);
    if (shape.size() != 2) {
      throw wrong(layer, SHAPE, "shape=" + shape.shapeText() + ": must hold rows and columns");
    }
    long rows = shape.data().get(LONG, 0);
    long cols = shape.data().get(LONG, Long.BYTES);
    boolean possible = cols >= 0 && cols <= Integer.MAX_VALUE;
    if (!possible || rows != packed.rows() || PackedIntegers.words(cols, bits) != packed.cols()) {
      throw wrong(
          layer,
          SHAPE,
          "["
              + rows
              + ", "
              + cols
              + "] does not fit weight_packed "
              + packed.shapeText()
              + " of "
              + bits
              + " bits");
    }
    return cols;
  }

  private Tensor scales(String layer, Scheme scheme, long rows, long groups) {
    Tensor scales = part(layer, SCALE);
    if (!FLOATS.contains(scales.dtype())) {
      throw wrong(layer, SCALE, scales + ": must be F32, F16 or BF16");
    }
    return perGroup(layer, SCALE, scales, scheme, rows, groups);
  }

  /** The zero points in the domain of {@link Affine}; null where they are none. */
  private Tensor zeros(String layer, Scheme scheme, long rows, long groups) {
    if (scheme.symmetric()) {
      checkAllZero(layer);
      return null;
    }
    Tensor zeros = part(layer, ZERO_POINT);
    if (zeros.dtype() == Plain.I32 && scheme.packing() == Scheme.Packing.PACK_QUANTIZED) {
      long[] expected = {PackedIntegers.words(rows, scheme.bits()), groups};
      if (!Arrays.equals(zeros.shape(), expected)) {
        throw wrong(
            layer, ZERO_POINT, zeros + ": must have the shape " + Arrays.toString(expected));
      }
      return PackedIntegers.unpackZeros(zeros, rows, scheme.bits(), arena);
    }
    if (zeros.dtype() != Plain.I8) {
      throw wrong(layer, ZERO_POINT, zeros + ": must be integers");
    }
    Tensor signed = perGroup(layer, ZERO_POINT, zeros, scheme, rows, groups);
    if (scheme.bits() == 8) {
      return signed;
    }
    int half = 1 << scheme.bits() - 1;
    for (long i = 0; i < signed.size(); i++) {
      int zero = signed.data().get(JAVA_BYTE, i);
      if (zero < -half || zero >= half) {
        throw wrong(layer, ZERO_POINT, outside(scheme.bits()));
      }
    }
    return PackedIntegers.shift(signed, half, arena);
  }

  private static String outside(int bits) {
    int half = 1 << bits - 1;
    return "numbers outside -" + half + ".." + (half - 1) + ", but num_bits=" + bits;
  }

  /** One number for each group of each row, also where the file has one for all of them. */
  private Tensor perGroup(
      String layer, String part, Tensor tensor, Scheme scheme, long rows, long groups) {
    if (!scheme.perTensor()) {
      boolean matrix = tensor.rank() == 2 && tensor.rows() == rows && tensor.cols() == groups;
      boolean column = tensor.rank() == 1 && tensor.size() == rows && groups == 1;
      if (!matrix && !column) {
        throw wrong(layer, part, tensor + ": must have the shape [" + rows + ", " + groups + "]");
      }
      return tensor.reshape(rows, groups);
    }
    if (tensor.size() != 1) {
      throw wrong(layer, part, tensor + ": must be one number, as strategy is tensor");
    }
    Tensor all = Tensor.allocate(arena, tensor.dtype(), rows, 1);
    for (long row = 0; row < rows; row++) {
      all.row(row).copyFrom(tensor.data());
    }
    return all;
  }

  /** Symmetric layers of older files carry zero points that say nothing. */
  private void checkAllZero(String layer) {
    if (stored.names().contains(layer + ZERO_POINT)) {
      MemorySegment bytes = part(layer, ZERO_POINT).data();
      for (long i = 0; i < bytes.byteSize(); i++) {
        if (bytes.get(JAVA_BYTE, i) != 0) {
          throw wrong(layer, ZERO_POINT, "must be zero, as the weights are symmetric");
        }
      }
    }
  }

  /** Columns that were sorted before they were grouped are not supported; an order kept is. */
  private void checkColumnGroups(String layer, Affine dtype, long cols) {
    if (!stored.names().contains(layer + COLUMN_GROUPS)) {
      return;
    }
    Tensor groups = part(layer, COLUMN_GROUPS, Plain.I32);
    boolean inOrder = groups.size() == cols;
    for (long col = 0; inOrder && col < cols; col++) {
      int group = groups.data().get(INT, col * Integer.BYTES);
      // -1 everywhere is what the library puts where nothing was sorted.
      inOrder = group == col / dtype.groupColumns(cols) || group == -1;
    }
    if (!inOrder) {
      throw wrong(
          layer,
          COLUMN_GROUPS,
          "the columns were reordered (actorder=group), which is not supported; quantize with"
              + " actorder=weight or static");
    }
  }

  private Tensor part(String layer, String part, Plain dtype) {
    Tensor tensor = part(layer, part);
    if (tensor.dtype() != dtype) {
      throw wrong(layer, part, tensor + ": must be " + dtype.label());
    }
    return tensor;
  }

  private Tensor part(String layer, String part) {
    if (!stored.names().contains(layer + part)) {
      throw wrong(layer, part, "is missing, but quantization_config quantizes the layer");
    }
    return stored.tensor(layer + part);
  }

  private FormatException wrong(String layer, String part, String what) {
    return new FormatException(stored.source() + ": tensor=" + layer + part + ": " + what);
  }
}
