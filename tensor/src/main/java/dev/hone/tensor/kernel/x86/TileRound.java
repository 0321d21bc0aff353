package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.AmxForm.Pair;
import dev.hone.tensor.kernel.x86.assembler.Tmm;
import java.util.ArrayList;
import java.util.List;

/**
 * The order in which a step of a product by tiles makes its products, and the tiles that take part:
 * four sums of two tiles of rows by two of columns, and these four, each loaded when it is first
 * multiplied.
 *
 * <p>What else a step does stands between them, not behind: lines that are asked for all at once
 * take the places that tiles are loaded through.
 */
final class TileRound {
  private static final Tmm[][] SUMS = {{new Tmm(0), new Tmm(1)}, {new Tmm(2), new Tmm(3)}};
  private static final Tmm[] ROWS = {new Tmm(4), new Tmm(5)};
  private static final Tmm[] COLUMNS = {new Tmm(6), new Tmm(7)};

  private TileRound() {}

  /** Writes what the round consists of. */
  interface Writer {
    void loadRows(Tmm to, int part, int tile);

    void loadColumns(Tmm to, int part, int tile);

    void multiply(Tmm sum, Tmm rows, Tmm columns);
  }

  /** The sums of a tile of rows by a tile of columns. */
  static Tmm sum(int row, int column) {
    return SUMS[row][column];
  }

  /**
   * @param high tiles of rows: 1 or 2
   * @param pairs of parts, one after the other
   * @param beside what else there is to write, in its order
   */
  static void write(int high, List<Pair> pairs, Writer writer, List<Runnable> beside) {
    List<Runnable> round = round(high, pairs, writer);
    int written = 0;
    for (int i = 0; i < round.size(); i++) {
      round.get(i).run();
      for (; written < (i + 1) * beside.size() / round.size(); written++) {
        beside.get(written).run();
      }
    }
  }

  private static List<Runnable> round(int high, List<Pair> pairs, Writer writer) {
    List<Runnable> round = new ArrayList<>();
    int row = -1; // the parts that are loaded
    int weight = -1;
    for (Pair pair : pairs) {
      for (int i = 0; i < high; i++) {
        int tile = i;
        if (pair.row() != row) {
          round.add(() -> writer.loadRows(ROWS[tile], pair.row(), tile));
        }
        for (int j = 0; j < 2; j++) {
          int column = j;
          if (tile == 0 && pair.weight() != weight) {
            round.add(() -> writer.loadColumns(COLUMNS[column], pair.weight(), column));
          }
          round.add(() -> writer.multiply(SUMS[tile][column], ROWS[tile], COLUMNS[column]));
        }
      }
      row = pair.row();
      weight = pair.weight();
    }
    return round;
  }
}
