package dev.hone.model.format.compressed;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
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
import java.util.TreeSet;

/**
 * Weights without their zeros, a bit a weight saying where one is: {@code X.weight} of a layer X
 * lies in four tensors.
 *
 * <pre>
 *   X.compressed    float [numbers]: those that are not zero, row by row
 *   X.bitmask       U8 [row, (cols + 7) / 8]: of column c bit c % 8 of byte c / 8
 *   X.row_offsets   I64 [row]: numbers before the row's
 *   X.shape         I64 [2]: rows, cols
 * </pre>
 *
 * Specification: format {@code sparse-bitmask}, {@code compressors/sparse_compressors} of the
 * compressed-tensors library.
 */
final class Bitmasks implements Checkpoint {
  /** What {@code sparsity_config} calls it. */
  static final String FORMAT = "sparse-bitmask";

  private static final String COMPRESSED = ".compressed";
  private static final String BITMASK = ".bitmask";
  private static final String ROW_OFFSETS = ".row_offsets";
  private static final String SHAPE = ".shape";
  private static final List<String> PARTS = List.of(COMPRESSED, BITMASK, ROW_OFFSETS, SHAPE);

  /** Of a dense weight's, where it is written so. */
  private static final double MOST_BYTES = 0.8;

  private static final List<DType> TYPES = List.of(Plain.F32, Plain.F16, Plain.BF16);

  private static final ValueLayout.OfShort HALF =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt FLOAT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Checkpoint stored;
  private final Arena arena;
  private final Set<String> layers;
  private final Set<String> names;
  private final Map<String, Tensor> assembled = new HashMap<>();

  private Bitmasks(Checkpoint stored, Arena arena, Set<String> layers, Set<String> names) {
    this.stored = stored;
    this.arena = arena;
    this.layers = layers;
    this.names = names;
  }

  /**
   * The checkpoint with such weights put together.
   *
   * @param arena owns them
   */
  static Checkpoint open(Checkpoint stored, Arena arena) {
    Set<String> layers = new TreeSet<>();
    Set<String> names = new TreeSet<>();
    for (String name : stored.names()) {
      if (name.endsWith(COMPRESSED)) {
        layers.add(name.substring(0, name.length() - COMPRESSED.length()));
      }
    }
    for (String name : stored.names()) {
      Optional<String> part = PARTS.stream().filter(name::endsWith).findFirst();
      boolean ofLayer =
          part.isPresent()
              && layers.contains(name.substring(0, name.length() - part.get().length()));
      if (!ofLayer) {
        names.add(name);
      }
    }
    layers.forEach(layer -> names.add(layer + CompressedTensors.WEIGHT));
    return new Bitmasks(stored, arena, layers, names);
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
  public Optional<Config> config() {
    return stored.config();
  }

  @Override
  public long fileBytes() {
    return stored.fileBytes();
  }

  @Override
  public boolean outputsFirst(String name) {
    return stored.outputsFirst(name);
  }

  @Override
  public Input input(String layer) {
    return stored.input(layer);
  }

  @Override
  public synchronized Tensor tensor(String name) {
    String layer = CompressedTensors.layerOf(name);
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
    Tensor shape = part(layer, SHAPE, Plain.I64);
    if (shape.size() != 2) {
      throw wrong(layer, SHAPE, shape + ": must hold rows and columns");
    }
    long rows = shape.data().get(CompressedTensors.LONG, 0);
    long cols = shape.data().get(CompressedTensors.LONG, Long.BYTES);
    Tensor bits = part(layer, BITMASK, Plain.U8);
    boolean possible = rows >= 1 && cols >= 1 && cols <= Integer.MAX_VALUE;
    if (!possible || !Arrays.equals(bits.shape(), new long[] {rows, maskBytes(cols)})) {
      throw wrong(layer, SHAPE, "[" + rows + ", " + cols + "] does not fit bitmask " + bits);
    }
    Tensor numbers = stored.tensor(layer + COMPRESSED);
    if (numbers.rank() != 1 || !TYPES.contains(numbers.dtype())) {
      throw wrong(layer, COMPRESSED, numbers + ": must be a row of F32, F16 or BF16");
    }
    Tensor offsets = part(layer, ROW_OFFSETS, Plain.I64);
    if (offsets.size() != rows) {
      throw wrong(layer, ROW_OFFSETS, offsets + ": must hold a number for each of " + rows);
    }
    Tensor dense = Tensor.allocate(arena, numbers.dtype(), rows, cols);
    long size = bytes(numbers);
    long next = 0;
    for (long row = 0; row < rows; row++) {
      if (offsets.data().get(CompressedTensors.LONG, row * Long.BYTES) != next) {
        throw wrong(layer, ROW_OFFSETS, "row " + row + " must begin at " + next);
      }
      long count = ones(bits.row(row), cols);
      if (next + count > numbers.size()) {
        throw wrong(layer, BITMASK, "has more bits set than there are numbers in compressed");
      }
      spread(bits.row(row), cols, numbers.data().asSlice(next * size), dense.row(row), size);
      next += count;
    }
    if (next != numbers.size()) {
      throw wrong(layer, COMPRESSED, numbers + ": bitmask has bits for " + next + " of them");
    }
    return dense;
  }

  /** Bits that are set; those behind the last column count too, which then fit nothing. */
  private static long ones(MemorySegment bits, long cols) {
    long ones = 0;
    for (long i = 0; i < maskBytes(cols); i++) {
      ones += Integer.bitCount(bits.get(JAVA_BYTE, i) & 0xFF);
    }
    return ones;
  }

  private static void spread(
      MemorySegment bits, long cols, MemorySegment numbers, MemorySegment row, long size) {
    long next = 0;
    for (long col = 0; col < cols; col++) {
      if ((bits.get(JAVA_BYTE, col / Byte.SIZE) >> col % Byte.SIZE & 1) != 0) {
        MemorySegment.copy(numbers, next++ * size, row, col * size, size);
      }
    }
  }

  /** Bytes of a number. */
  private static long bytes(Tensor weight) {
    return ((Plain) weight.dtype()).bytes();
  }

  private static long maskBytes(long cols) {
    return (cols + Byte.SIZE - 1) / Byte.SIZE;
  }

  /** Whether a weight is written so: it is smaller by a fifth then. */
  static boolean pays(Tensor weight) {
    if (weight.rank() != 2 || !TYPES.contains(weight.dtype())) {
      return false;
    }
    long cols = weight.cols();
    long places = weight.rows() * (maskBytes(cols) + Long.BYTES);
    long numbers = weight.size() - zeros(weight);
    return numbers > 0 && places + numbers * bytes(weight) <= MOST_BYTES * weight.sizeBytes();
  }

  static long zeros(Tensor weight) {
    long numbers = 0;
    for (long row = 0; row < weight.rows(); row++) {
      numbers += numbers(weight, row);
    }
    return weight.size() - numbers;
  }

  /** How many of a row are not zero. */
  private static long numbers(Tensor weight, long row) {
    MemorySegment data = weight.row(row);
    long count = 0;
    for (long col = 0; col < weight.cols(); col++) {
      count += zero(data, col, weight.dtype()) ? 0 : 1;
    }
    return count;
  }

  /** Of either sign. */
  private static boolean zero(MemorySegment row, long col, DType type) {
    return type == Plain.F32
        ? row.get(FLOAT, col * Float.BYTES) << 1 == 0
        : (row.get(HALF, col * Short.BYTES) & 0x7FFF) == 0;
  }

  /** The tensors that a layer's weight becomes; a zero's sign is lost. */
  static Map<String, Tensor> encode(String layer, Tensor weight, Arena arena) {
    long rows = weight.rows();
    long cols = weight.cols();
    long size = bytes(weight);
    Tensor offsets = Tensor.allocate(arena, Plain.I64, rows);
    long count = 0;
    for (long row = 0; row < rows; row++) {
      offsets.data().set(CompressedTensors.LONG, row * Long.BYTES, count);
      count += numbers(weight, row);
    }
    Tensor numbers = Tensor.allocate(arena, weight.dtype(), count);
    Tensor bits = Tensor.allocate(arena, Plain.U8, rows, maskBytes(cols));
    long next = 0;
    for (long row = 0; row < rows; row++) {
      MemorySegment from = weight.row(row);
      MemorySegment mask = bits.row(row);
      for (long col = 0; col < cols; col++) {
        if (!zero(from, col, weight.dtype())) {
          MemorySegment.copy(from, col * size, numbers.data(), next++ * size, size);
          long at = col / Byte.SIZE;
          mask.set(JAVA_BYTE, at, (byte) (mask.get(JAVA_BYTE, at) | 1 << col % Byte.SIZE));
        }
      }
    }
    Tensor shape = Tensor.allocate(arena, Plain.I64, 2);
    shape.data().set(CompressedTensors.LONG, 0, rows);
    shape.data().set(CompressedTensors.LONG, Long.BYTES, cols);
    return Map.of(
        layer + COMPRESSED, numbers,
        layer + BITMASK, bits,
        layer + ROW_OFFSETS, offsets,
        layer + SHAPE, shape);
  }

  private Tensor part(String layer, String part, Plain dtype) {
    if (!stored.names().contains(layer + part)) {
      throw wrong(layer, part, "is missing, but there is " + layer + COMPRESSED);
    }
    Tensor tensor = stored.tensor(layer + part);
    if (tensor.dtype() != dtype) {
      throw wrong(layer, part, tensor + ": must be " + dtype.label());
    }
    return tensor;
  }

  private FormatException wrong(String layer, String part, String what) {
    return new FormatException(stored.source() + ": tensor=" + layer + part + ": " + what);
  }
}
