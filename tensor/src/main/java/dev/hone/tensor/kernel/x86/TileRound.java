package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.AmxForm.Pair;
import java.util.List;

/**
 * The order in which a step of a product by tiles makes its products: it goes round the four sums
 * of two tiles of rows by two of columns, so that from one product to the next only one tile is
 * loaded, and that to one of two registers.
 *
 * <p>While another thread runs on the same core, a processor has hardly any registers left to
 * rename tiles to, and a tile that is loaded waits for the products that read the register before:
 * the fewer change, the better. Alone on its core it does not matter.
 */
final class TileRound {
  private TileRound() {}

  /** Writes what the round consists of. */
  interface Writer {
    void loadRows(int part, int tile);

    void loadColumns(int part, int tile);

    void multiply(int rowTile, int columnTile);
  }

  /**
   * @param high tiles of rows: 1 or 2
   * @param pairs of parts, one after the other
   */
  static void write(int high, List<Pair> pairs, Writer writer) {
    int row = 0;
    int column = 0;
    List<Integer> rows = List.of();
    List<Integer> columns = List.of();
    for (Pair pair : pairs) {
      for (int corner = 0; corner < 4; corner++) {
        if (row < high) {
          if (!rows.equals(List.of(pair.row(), row))) {
            rows = List.of(pair.row(), row);
            writer.loadRows(pair.row(), row);
          }
          if (!columns.equals(List.of(pair.weight(), column))) {
            columns = List.of(pair.weight(), column);
            writer.loadColumns(pair.weight(), column);
          }
          writer.multiply(row, column);
        }
        if (corner == 1) {
          column = 1 - column;
        } else if (corner < 3) {
          row = 1 - row;
        }
      }
    }
  }
}
