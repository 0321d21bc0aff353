package dev.hone.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A table for a terminal: columns padded with blanks, ASCII alone unless the cells bring other
 * characters.
 */
public final class TextTable {
  private static final String GAP = "  ";
  private static final String ARROW = "->";

  private final List<List<String>> rows = new ArrayList<>();
  private final String alignments;
  private int marked = -1;

  /**
   * A table with its first row.
   *
   * @param alignments a letter a column: l or r
   */
  public TextTable(List<String> header, String alignments) {
    if (!alignments.matches("[lr]{" + header.size() + "}")) {
      throw new IllegalArgumentException(
          "alignments=" + alignments + ": l or r for each of " + header.size() + " columns");
    }
    this.alignments = alignments;
    rows.add(header);
  }

  /** Adds a row. */
  public TextTable row(String... cells) {
    if (cells.length != alignments.length()) {
      throw new IllegalArgumentException(
          cells.length + " cells in a table of " + alignments.length() + " columns");
    }
    rows.add(List.of(cells));
    return this;
  }

  /** Puts an arrow before the row added last. */
  public TextTable mark() {
    marked = rows.size() - 1;
    return this;
  }

  /** The lines, without a line break at the end. */
  @Override
  public String toString() {
    int[] widths =
        IntStream.range(0, alignments.length())
            .map(c -> rows.stream().mapToInt(row -> width(row.get(c))).max().orElseThrow())
            .toArray();
    return IntStream.range(0, rows.size())
        .mapToObj(r -> line(r, widths))
        .collect(Collectors.joining("\n"));
  }

  private String line(int row, int[] widths) {
    String margin = marked < 0 ? "" : (row == marked ? ARROW : " ".repeat(ARROW.length())) + " ";
    return margin
        + IntStream.range(0, widths.length)
            .mapToObj(c -> padded(rows.get(row).get(c), widths[c], alignments.charAt(c) == 'r'))
            .collect(Collectors.joining(GAP))
            .stripTrailing();
  }

  private static String padded(String cell, int width, boolean right) {
    String blanks = " ".repeat(width - width(cell));
    return right ? blanks + cell : cell + blanks;
  }

  private static int width(String cell) {
    return cell.codePointCount(0, cell.length());
  }
}
