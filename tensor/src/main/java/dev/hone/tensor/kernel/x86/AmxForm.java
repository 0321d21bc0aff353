package dev.hone.tensor.kernel.x86;

import java.util.List;

/**
 * What a product by tiles multiplies. A number is one part, or it is two whose sum it is: its
 * nearest BF16 and what is left of it, rounded to BF16 again. Henry, Tang and Heinecke, "Leveraging
 * the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations": the product of
 * the two lesser parts is left out, smallest products come first.
 */
enum AmxForm {
  /** Rows of 8 bits on grids of their own by signed bytes. */
  INT8(1, 1),
  /** BF16 by BF16. */
  BF16(1, 1),
  /** Floats by BF16. */
  FLOATS_BF16(2, 1),
  /** Floats by floats. */
  FLOATS(2, 2);

  /** A part of a row by a part of a weight. */
  record Pair(int row, int weight) {}

  /** Bytes of a row of a tile: what a step multiplies of a part of a row. */
  static final int ROW_BYTES = 64;

  /** Rows, or columns, of a tile. */
  static final int SIDE = 16;

  /** Rows of two tiles: as many are multiplied at a time. */
  static final int ROWS = 2 * SIDE;

  /** Bytes of a tile. */
  static final int TILE_BYTES = SIDE * ROW_BYTES;

  /** Of a panel: two tiles side by side. */
  static final int COLUMNS = 2 * SIDE;

  private final int rowParts;
  private final int weightParts;

  AmxForm(int rowParts, int weightParts) {
    this.rowParts = rowParts;
    this.weightParts = weightParts;
  }

  int rowParts() {
    return rowParts;
  }

  List<Pair> pairs() {
    return switch (this) {
      case INT8, BF16 -> List.of(new Pair(0, 0));
      case FLOATS_BF16 -> List.of(new Pair(1, 0), new Pair(0, 0));
      case FLOATS -> List.of(new Pair(1, 0), new Pair(0, 0), new Pair(0, 1));
    };
  }

  /** Input features that a step multiplies. */
  int depth() {
    return this == INT8 ? ROW_BYTES : ROW_BYTES / Short.BYTES;
  }

  long steps(long cols) {
    return (cols + depth() - 1) / depth();
  }

  /** Bytes of two tiles' rows that a step reads. */
  int rowStep() {
    return rowParts * 2 * TILE_BYTES;
  }

  /** Bytes of so many rows as tiles, the last two of which are whole. */
  long rowsBytes(long rows, long steps) {
    return (rows + ROWS - 1) / ROWS * steps * rowStep();
  }

  /** Bytes of one of them. */
  long rowBytes(long cols) {
    return rowsBytes(ROWS, steps(cols)) / ROWS;
  }

  /** Bytes of a panel that a step reads. */
  int panelStep() {
    return weightParts * 2 * TILE_BYTES;
  }

  /** Bytes between the last row of two tiles and the same step's of the next two. */
  long gap(long steps) {
    return steps * rowStep() - 2 * TILE_BYTES;
  }
}
