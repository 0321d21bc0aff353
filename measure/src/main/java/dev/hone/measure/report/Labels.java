package dev.hone.measure.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Places the labels of a plot's points: near them, inside of the frame, over nothing else. */
final class Labels {
  /** Width of a character of the page's 12 px sans-serif, generously. */
  private static final double CHARACTER = 7.1;

  /** Left and right of a label, so that the numbers of two points do not read as one. */
  private static final double GAP = 4;

  private static final double HEIGHT = 14;

  /** Half the width of a point's mark with a gap around it. */
  private static final double MARK = 7;

  /** How far from its point a label may stand; beyond the first a thin line leads to it. */
  private static final double[] DISTANCES = {10, 18, 28, 40, 54, 70, 90, 112, 136, 160};

  /** How many of the distances do for a text that could be shorter. */
  private static final int NEAR = 3;

  private static final int DIRECTIONS = 16;

  private record Box(double left, double top, double right, double bottom) {
    boolean overlaps(Box other) {
      return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
    }
  }

  private final Box frame;
  private final List<Box> taken = new ArrayList<>();
  private final StringBuilder leaders = new StringBuilder();
  private final StringBuilder texts = new StringBuilder();

  Labels(double left, double top, double right, double bottom) {
    this.frame = new Box(left, top, right, bottom);
  }

  /** No label may cover a point here. */
  void avoid(double x, double y) {
    taken.add(new Box(x - MARK, y - MARK, x + MARK, y + MARK));
  }

  /** No label may cover a straight line, level or upright, from one place to another. */
  void avoidLine(double x1, double y1, double x2, double y2) {
    taken.add(
        new Box(
            Math.min(x1, x2) - 1,
            Math.min(y1, y2) - 1,
            Math.max(x1, x2) + 1,
            Math.max(y1, y2) + 1));
  }

  /** A note at an end of a line across the plot, above or below it, covering nothing if it can. */
  void note(double lineAt, String text) {
    double width = text.length() * CHARACTER;
    var boxes = new ArrayList<Box>();
    for (double left : new double[] {frame.right - width, frame.left + 4}) {
      boxes.add(new Box(left, lineAt - HEIGHT - 3, left + width, lineAt - 3));
      boxes.add(new Box(left, lineAt + 3, left + width, lineAt + 3 + HEIGHT));
    }
    Box box = boxes.stream().filter(this::free).findFirst().orElse(boxes.getFirst());
    taken.add(box);
    write(frame.left, box, text, "note");
  }

  /**
   * Labels a point; not at all where not even the shortest text finds a free place.
   *
   * @param texts from the one that says most to the shortest; the first that finds a place is taken
   */
  void place(double x, double y, List<String> texts, String css) {
    for (String text : texts) {
      int distances = text.equals(texts.getLast()) ? DISTANCES.length : NEAR;
      double width = text.length() * CHARACTER + 2 * GAP;
      for (int d = 0; d < distances; d++) {
        for (int i = 0; i < DIRECTIONS; i++) {
          // From the right around in both senses, so that right and left come before up and down.
          int turn = i % 2 == 0 ? i / 2 : DIRECTIONS - (i + 1) / 2;
          Box box = box(x, y, DISTANCES[d], 2 * Math.PI * turn / DIRECTIONS, width);
          if (free(box)) {
            taken.add(box);
            if (d > 0) {
              lead(x, y, box);
            }
            write(x, box, text, "label " + css);
            return;
          }
        }
      }
    }
  }

  private boolean free(Box box) {
    return box.left >= frame.left + 2
        && box.right <= frame.right
        && box.top >= frame.top
        && box.bottom <= frame.bottom - 2
        && taken.stream().noneMatch(box::overlaps);
  }

  /** A box whose nearest side or corner stands at a distance from the point. */
  private static Box box(double x, double y, double distance, double angle, double width) {
    double centerX = x + Math.cos(angle) * (distance + width / 2);
    double centerY = y - Math.sin(angle) * (distance + HEIGHT / 2);
    return new Box(
        centerX - width / 2, centerY - HEIGHT / 2, centerX + width / 2, centerY + HEIGHT / 2);
  }

  private void lead(double x, double y, Box box) {
    String line =
        String.format(
            Locale.ROOT,
            "<line class=\"leader\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
            x,
            y,
            Math.clamp(x, box.left + GAP, box.right - GAP),
            Math.clamp(y, box.top + 2, box.bottom - 2));
    leaders.append(line);
  }

  /** The text at that side of its box which is nearer to its point: its true width is not known. */
  private void write(double x, Box box, String text, String css) {
    String anchor = box.left >= x ? "start" : box.right <= x ? "end" : "middle";
    double at =
        switch (anchor) {
          case "start" -> box.left + GAP;
          case "end" -> box.right - GAP;
          default -> (box.left + box.right) / 2;
        };
    String line =
        String.format(
            Locale.ROOT,
            "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
            css,
            at,
            box.bottom - 3,
            anchor,
            Html.escape(text));
    texts.append(line);
  }

  /** All labels in SVG, lines to them below, so that none crosses a text. */
  @Override
  public String toString() {
    return leaders.toString() + texts;
  }
}
