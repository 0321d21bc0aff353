package dev.hone.tensor;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How a cache stores keys and values. A page holds those of some tokens, a row each, the heads of a
 * token side by side:
 *
 * <pre>
 *   F32    | h0: f32 x headDim | h1: ... |        row r at r * kvHeads * headDim * 4
 *   F16    | h0: f16 x headDim | h1: ... |        row r at r * kvHeads * headDim * 2
 *   INT8   | h0: i8  x headDim | h1: ... |        row r at r * kvHeads * headDim
 *          and beside them the scales of all rows
 *          | s0 | s1 | ...                        f32, head h of row r at (r * kvHeads + h) * 4
 *          a number is q * s: a token's head has a scale of its own, its largest magnitude / 127.5
 * </pre>
 *
 * A page's numbers begin at a cache line, as do its scales, where a page has a multiple of 32 rows.
 */
public enum KeyValueType {
  F32,
  F16,
  /** 8 bits and a scale for every token and head: {@link Affine} with groups of a head. */
  INT8;

  /** As options and reports spell it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The type of a page's tensor. */
  public DType dtype(int headDim) {
    return switch (this) {
      case F32 -> Plain.F32;
      case F16 -> Plain.F16;
      case INT8 -> new Affine(8, headDim, true);
    };
  }

  /** Bytes of the keys, or of the values, of so many tokens. */
  public long bytes(long rows, int kvHeads, int headDim) {
    long numbers = rows * dtype(headDim).rowBytes((long) kvHeads * headDim);
    return switch (this) {
      case F32, F16 -> numbers;
      case INT8 -> numbers + rows * kvHeads * Float.BYTES;
    };
  }

  /** Tensors of {@code rows} tokens each, in memory of one piece. */
  public List<Tensor> allocate(Arena arena, int count, int rows, int kvHeads, int headDim) {
    DType type = dtype(headDim);
    long cols = (long) kvHeads * headDim;
    long each = rows * type.rowBytes(cols);
    MemorySegment numbers = arena.allocate(count * each, Tensor.ALIGNMENT);
    List<Tensor> tensors = new ArrayList<>();
    switch (type) {
      case Affine affine -> {
        Tensor scales = Tensor.allocate(arena, Plain.F32, (long) count * rows, kvHeads);
        for (int i = 0; i < count; i++) {
          Tensor own = scales.slice((long) i * rows, (i + 1L) * rows);
          tensors.add(
              Tensor.affine(affine, numbers.asSlice(i * each, each), rows, cols, own, null));
        }
      }
      case Plain plain -> {
        for (int i = 0; i < count; i++) {
          tensors.add(Tensor.of(plain, numbers.asSlice(i * each, each), rows, cols));
        }
      }
      case DType.Block _ -> throw new IllegalStateException(type.label());
    }
    return tensors;
  }
}
