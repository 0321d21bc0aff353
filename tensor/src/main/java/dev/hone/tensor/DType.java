package dev.hone.tensor;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the numbers of a tensor are and how they lie in memory. Rows are contiguous in every type; a
 * row of a quantized type starts at a byte of its own.
 */
public sealed interface DType {

  /** The field's name of the type, as reports and errors print it: {@code f32}, {@code q8_0}. */
  String label();

  /** Bytes that one row of {@code cols} numbers takes in the tensor's data, without scales. */
  long rowBytes(long cols);

  /**
   * The type of that label, such as {@code bf16}, {@code int8-channel}, {@code int4-g32-asym} or
   * {@code q8_0}.
   */
  static DType of(String label) {
    Matcher affine = AffineLabel.PATTERN.matcher(label);
    if (affine.matches()) {
      int bits = Integer.parseInt(affine.group(1));
      String scales = affine.group(2);
      int group = scales.startsWith("g") ? Integer.parseInt(scales.substring(1)) : 0;
      return new Affine(bits, group, affine.group(3) == null, scales.equals("tensor"));
    }
    return Stream.<DType>concat(Stream.of(Plain.values()), Stream.of(Block.values()))
        .filter(type -> type.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "unknown type: "
                        + label
                        + "; known are f32, f16, bf16, int8-tensor, int8-channel, int8-g128,"
                        + " int4-g32, int3-g64-asym (2 to 8 bits, any group), "
                        + Stream.of(Block.values())
                            .map(Block::label)
                            .collect(Collectors.joining(", "))));
  }

  /** How {@link Affine#label} is read back. */
  final class AffineLabel {
    private static final Pattern PATTERN =
        Pattern.compile("int([2-8])-(tensor|channel|g[1-9]\\d{0,5})(-asym)?");

    private AffineLabel() {}
  }

  /** One number after the other, little-endian. */
  enum Plain implements DType {
    F64(8),
    F32(4),
    F16(2),
    BF16(2),
    I64(8),
    I32(4),
    I16(2),
    I8(1),
    U8(1),
    BOOL(1);

    private final int bytes;

    Plain(int bytes) {
      this.bytes = bytes;
    }

    /** Bytes of one number. */
    public int bytes() {
      return bytes;
    }

    @Override
    public String label() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }

    @Override
    public long rowBytes(long cols) {
      return Math.multiplyExact(cols, (long) bytes);
    }
  }

  /**
   * Integers that share a scale, and when asymmetric a zero point, by groups of columns of a row:
   * {@code w = (q - zero) * scale}.
   *
   * <pre>
   *   bits = 8   data: signed bytes, column by column;                 symmetric: zero = 0
   *   bits < 8   data: little-endian 32-bit words of as many whole     symmetric: zero = 2^(bits - 1)
   *              columns as fit, the first lowest, 0..2^bits - 1;
   *              a row is padded to whole words
   *   scales     plain floats [row, group]      zeros   I8 [row, group], asymmetric only;
   *              where the whole tensor shares them, all are alike
   * </pre>
   *
   * The data are the bytes of compressed-tensors' {@code weight_packed} (2 to 7 bits) and {@code
   * int-quantized} (8 bits), so that a file is used as it is mapped.
   *
   * @param bits 2 to 8
   * @param group columns that share a scale, at up to 4 bits an even number; 0: the whole row (an
   *     output channel)
   * @param perTensor whether all rows share one scale; {@code group} is 0 then
   */
  record Affine(int bits, int group, boolean symmetric, boolean perTensor) implements DType {
    public Affine {
      if (bits < 2 || bits > 8) {
        throw new IllegalArgumentException("bits=" + bits + ": 2 to 8 are known");
      }
      if (group < 0 || bits <= 4 && group % 2 != 0) {
        throw new IllegalArgumentException(
            "group=" + group + ": must not be negative, and at up to 4 bits even");
      }
      if (perTensor && group != 0) {
        throw new IllegalArgumentException("group=" + group + ": a tensor's scale is of all of it");
      }
    }

    /** Scales of groups, or of rows. */
    public Affine(int bits, int group, boolean symmetric) {
      this(bits, group, symmetric, false);
    }

    /** Groups in a row of {@code cols} columns; the last may be shorter. */
    public int groups(long cols) {
      return group == 0 ? 1 : Math.toIntExact((cols + group - 1) / group);
    }

    /** Columns of one group in a row of {@code cols} columns. */
    public int groupColumns(long cols) {
      return group == 0 ? Math.toIntExact(cols) : group;
    }

    /** The zero point of a symmetric type. */
    public int middle() {
      return bits == 8 ? 0 : 1 << bits - 1;
    }

    /** The least integer. */
    public int least() {
      return bits == 8 ? Byte.MIN_VALUE : 0;
    }

    /** The largest integer. */
    public int most() {
      return least() + (1 << bits) - 1;
    }

    /** Whether it is bytes around zero with one scale a row: products of integers take these. */
    public boolean bytesByRow() {
      return bits == 8 && group == 0 && symmetric;
    }

    /** Columns that a 32-bit word holds. */
    public int perWord() {
      return Integer.SIZE / bits;
    }

    @Override
    public String label() {
      String scales = perTensor ? "tensor" : group == 0 ? "channel" : "g" + group;
      return "int" + bits + "-" + scales + (symmetric ? "" : "-asym");
    }

    @Override
    public long rowBytes(long cols) {
      return bits == 8 ? cols : (cols + perWord() - 1) / perWord() * Integer.BYTES;
    }
  }

  /**
   * GGUF's self-contained blocks, each type after the file that shows its bytes. All of them are
   * integers with a scale, and where {@link #shifted} a shift, for each group of columns: {@code w
   * = q * scale + shift}. A row is a whole number of blocks.
   */
  enum Block implements DType {
    Q8_0(32, 34, 32, 8, 0, false),
    Q4_0(32, 18, 32, 4, 8, false),
    Q4_1(32, 20, 32, 4, 0, true),
    Q5_0(32, 22, 32, 5, 16, false),
    Q5_1(32, 24, 32, 5, 0, true),
    Q2_K(256, 84, 16, 2, 0, true),
    Q3_K(256, 110, 16, 3, 4, false),
    Q4_K(256, 144, 32, 4, 0, true),
    Q5_K(256, 176, 32, 5, 0, true),
    Q6_K(256, 210, 16, 6, 32, false),
    /** Its four bits choose one of sixteen integers of eight. */
    IQ4_NL(32, 18, 32, 8, 0, false);

    private final int columns;
    private final int bytes;
    private final int group;
    private final int bits;
    private final int middle;
    private final boolean shifted;

    Block(int columns, int bytes, int group, int bits, int middle, boolean shifted) {
      this.columns = columns;
      this.bytes = bytes;
      this.group = group;
      this.bits = bits;
      this.middle = middle;
      this.shifted = shifted;
    }

    /** Columns in a block. */
    public int columns() {
      return columns;
    }

    /** Bytes of a block. */
    public int bytes() {
      return bytes;
    }

    /** Columns that share a scale. */
    public int group() {
      return group;
    }

    /** Bits of one integer. */
    public int bits() {
      return bits;
    }

    /** What is taken from the stored integer, so that q runs from {@code -middle}. */
    public int middle() {
      return middle;
    }

    /** Whether groups have a shift beside the scale. */
    public boolean shifted() {
      return shifted;
    }

    @Override
    public String label() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }

    @Override
    public long rowBytes(long cols) {
      if (cols % columns != 0) {
        throw new IllegalArgumentException(
            label() + " needs rows of a multiple of " + columns + " columns: cols=" + cols);
      }
      return Math.multiplyExact(cols / columns, (long) bytes);
    }
  }
}
