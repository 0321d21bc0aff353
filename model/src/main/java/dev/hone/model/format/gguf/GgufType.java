package dev.hone.model.format.gguf;

import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The types of a GGUF file's tensors under their numbers in {@code ggml.h}. Those without a {@link
 * DType} are known by size alone: a file that has them can be looked at, not run.
 */
public enum GgufType {
  F32(0, Plain.F32),
  F16(1, Plain.F16),
  Q4_0(2, Block.Q4_0),
  Q4_1(3, Block.Q4_1),
  Q5_0(6, Block.Q5_0),
  Q5_1(7, Block.Q5_1),
  Q8_0(8, Block.Q8_0),
  Q8_1(9, 32, 36),
  Q2_K(10, Block.Q2_K),
  Q3_K(11, Block.Q3_K),
  Q4_K(12, Block.Q4_K),
  Q5_K(13, Block.Q5_K),
  Q6_K(14, Block.Q6_K),
  Q8_K(15, 256, 292),
  IQ2_XXS(16, 256, 66),
  IQ2_XS(17, 256, 74),
  IQ3_XXS(18, 256, 98),
  IQ1_S(19, 256, 50),
  IQ4_NL(20, Block.IQ4_NL),
  IQ3_S(21, 256, 110),
  IQ2_S(22, 256, 82),
  IQ4_XS(23, 256, 136),
  I8(24, Plain.I8),
  I16(25, Plain.I16),
  I32(26, Plain.I32),
  I64(27, Plain.I64),
  F64(28, Plain.F64),
  IQ1_M(29, 256, 56),
  BF16(30, Plain.BF16),
  TQ1_0(34, 256, 54),
  TQ2_0(35, 256, 66),
  MXFP4(39, 32, 17);

  private final int number;

  @SuppressWarnings("ImmutableEnumChecker") // a record or an enum
  private final DType dtype;

  private final int columns;
  private final int bytes;

  GgufType(int number, Plain dtype) {
    this(number, dtype, 1, dtype.bytes());
  }

  GgufType(int number, Block dtype) {
    this(number, dtype, dtype.columns(), dtype.bytes());
  }

  GgufType(int number, int columns, int bytes) {
    this(number, null, columns, bytes);
  }

  GgufType(int number, DType dtype, int columns, int bytes) {
    this.number = number;
    this.dtype = dtype;
    this.columns = columns;
    this.bytes = bytes;
  }

  /** The number that files have. */
  int number() {
    return number;
  }

  /** What kernels call it, where they know it. */
  public Optional<DType> dtype() {
    return Optional.ofNullable(dtype);
  }

  /** Columns in a block; 1 for plain numbers. */
  int columns() {
    return columns;
  }

  /** Bytes of a block. */
  int bytes() {
    return bytes;
  }

  static Optional<GgufType> of(int number) {
    return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
  }

  /** The type that holds a tensor of {@code dtype}, where GGUF has it. */
  public static Optional<GgufType> of(DType dtype) {
    return Arrays.stream(values()).filter(type -> dtype.equals(type.dtype)).findFirst();
  }

  /** The types that run, as messages list them. */
  static String readable() {
    return Arrays.stream(values())
        .filter(type -> type.dtype != null)
        .map(Enum::name)
        .collect(Collectors.joining(", "));
  }
}
