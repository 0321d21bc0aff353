package dev.hone.measure.report;

import dev.hone.measure.Units;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.stream.Collectors;

/**
 * Candidates as points over a cost or a speed (across) and their loss (up), in SVG at a fixed
 * width: the page holds one for phones and one for desks, since type must not shrink with the
 * drawing.
 */
final class Plot {
  private static final int LEFT = 56;
  private static final int RIGHT = 14;
  private static final int TOP = 30;
  private static final int BOTTOM = 48;
  private static final int TICK_GAP = 6;

  /**
   * From here on all points are named; below, the original and the chosen one, others by number.
   */
  private static final int WIDE = 450;

  /** Points nearer to each other than this share a label. */
  private static final double CLOSE = 7;

  /** What a point is, which decides how it looks. */
  enum Role {
    ORIGINAL,
    CANDIDATE,
    OVER_BUDGET,
    CHOSEN;

    String css() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * A candidate.
   *
   * @param number that the table gives it
   * @param detail that a pointer resting on it shows
   */
  record Point(int number, String name, String detail, double x, double loss, Role role) {}

  /**
   * What a plot shows.
   *
   * @param id unique in the page
   * @param front along x, of those points that no other beats
   */
  record Content(
      String id,
      String title,
      String description,
      String xTitle,
      DoubleFunction<String> xLabel,
      boolean lessIsBetter,
      double budget,
      List<Point> points,
      List<Point> front) {}

  private final Content content;
  private final int width;
  private final int height;
  private final Axis x;
  private final Axis y;
  private final StringBuilder svg = new StringBuilder();

  Plot(Content content, int width, int height) {
    this.content = content;
    this.width = width;
    this.height = height;
    var points = content.points();
    this.x =
        Axis.Linear.over(points.stream().mapToDouble(Point::x).toArray(), width < WIDE ? 5 : 6);
    this.y =
        Axis.SymmetricLog.over(
            points.stream().mapToDouble(Point::loss).toArray(), content.budget());
  }

  @Override
  public String toString() {
    svg.setLength(0);
    String id = content.id() + "-" + width;
    line(
        "<svg class=\"plot\" role=\"img\" aria-labelledby=\"%s-t %s-d\" width=\"%d\" height=\"%d\""
            + " viewBox=\"0 0 %d %d\">",
        id, id, width, height, width, height);
    line("<title id=\"%s-t\">%s</title>", id, Html.escape(content.title()));
    line("<desc id=\"%s-d\">%s</desc>", id, Html.escape(content.description()));
    grid();
    budget();
    front();
    points();
    line("</svg>");
    return svg.toString();
  }

  private void grid() {
    for (double tick : y.ticks()) {
      line(
          "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
          tick == 0 ? "axis" : "grid", LEFT, width - RIGHT, up(tick), up(tick));
      text("tick", LEFT - TICK_GAP, up(tick) + 4, "end", lossLabel(tick));
    }
    for (double tick : x.ticks()) {
      line(
          "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>",
          across(tick), across(tick), TOP, height - BOTTOM);
      text("tick", across(tick), height - BOTTOM + 17, "middle", content.xLabel().apply(tick));
    }
    text(
        "title",
        (LEFT + width - RIGHT) / 2.0,
        height - 8,
        "middle",
        content.lessIsBetter() ? "\u2190 " + content.xTitle() : content.xTitle() + " \u2192");
    text("title", LEFT - TICK_GAP, TOP - 14, "end", "loss \u2193");
  }

  /** A tick without needless zeros: {@code 0.01 %}. */
  private static String lossLabel(double loss) {
    return BigDecimal.valueOf(100 * loss)
            .round(new MathContext(1))
            .stripTrailingZeros()
            .toPlainString()
        + " %";
  }

  private void budget() {
    double at = up(content.budget());
    line(
        "<line class=\"budget\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
        LEFT, width - RIGHT, at, at);
  }

  private void front() {
    line(
        "<path class=\"front\" d=\"M%s\"/>",
        corners().stream()
            .map(c -> String.format(Locale.ROOT, "%.1f %.1f", c[0], c[1]))
            .collect(Collectors.joining("L")));
  }

  /** The front as steps, not slopes: between two candidates there is nothing to have. */
  private List<double[]> corners() {
    var corners = new ArrayList<double[]>();
    for (Point point : content.front()) {
      double[] next = {across(point.x()), up(point.loss())};
      if (!corners.isEmpty()) {
        // The corner is worse than both ends: in x than the one, in loss than the other.
        double[] before = corners.getLast();
        corners.add(
            content.lessIsBetter()
                ? new double[] {next[0], before[1]}
                : new double[] {before[0], next[1]});
      }
      corners.add(next);
    }
    return corners;
  }

  private void points() {
    var labels = new Labels(LEFT, TOP, width - RIGHT, height - BOTTOM);
    double budget = up(content.budget());
    labels.avoidLine(LEFT, budget, width - RIGHT, budget);
    labels.avoidLine(LEFT, up(0), width - RIGHT, up(0));
    List<double[]> corners = corners();
    for (int i = 1; i < corners.size(); i++) {
      double[] from = corners.get(i - 1);
      labels.avoidLine(from[0], from[1], corners.get(i)[0], corners.get(i)[1]);
    }
    content.points().forEach(p -> labels.avoid(across(p.x()), up(p.loss())));
    labels.note(budget, "budget " + Units.percent(content.budget()));
    // The chosen one is drawn last, on top, and labelled first, where there is still room.
    var order = new ArrayList<>(content.points());
    order.sort(
        (a, b) -> {
          int byRole = Boolean.compare(a.role() == Role.CHOSEN, b.role() == Role.CHOSEN);
          return byRole != 0 ? byRole : Integer.compare(a.number(), b.number());
        });
    for (List<Point> group : groups(order.reversed())) {
      Point p = group.getFirst();
      labels.place(across(p.x()), up(p.loss()), texts(group), p.role().css());
    }
    for (Point p : order) {
      line(
          "<g class=\"%s\"><title>%s</title>%s</g>",
          p.role().css(), Html.escape(p.detail()), mark(p.role(), across(p.x()), up(p.loss())));
    }
    svg.append(labels);
  }

  /** Points so close that they share a label; the chosen one and the original have their own. */
  private List<List<Point>> groups(List<Point> points) {
    var groups = new ArrayList<List<Point>>();
    for (Point p : points) {
      groups.stream()
          .filter(g -> g.getFirst().role() == p.role() && !own(p) && close(g.getFirst(), p))
          .findFirst()
          .orElseGet(
              () -> {
                groups.add(new ArrayList<>());
                return groups.getLast();
              })
          .add(p);
    }
    return groups;
  }

  private boolean close(Point a, Point b) {
    return Math.hypot(across(a.x()) - across(b.x()), up(a.loss()) - up(b.loss())) < CLOSE;
  }

  private static boolean own(Point p) {
    return p.role() == Role.CHOSEN || p.role() == Role.ORIGINAL;
  }

  private List<String> texts(List<Point> group) {
    String numbers =
        group.stream()
            .map(Point::number)
            .sorted()
            .map(String::valueOf)
            .collect(Collectors.joining(", "));
    Point first = group.getFirst();
    boolean named = group.size() == 1 && (width >= WIDE || own(first));
    return named ? List.of(numbers + " " + first.name(), numbers) : List.of(numbers);
  }

  /** Shapes differ as well as colours: square, circle, hollow circle, diamond. */
  static String mark(Role role, double x, double y) {
    return switch (role) {
      case ORIGINAL ->
          String.format(
              Locale.ROOT,
              "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" rx=\"1\"/>",
              x - 5,
              y - 5);
      case CANDIDATE, OVER_BUDGET ->
          String.format(Locale.ROOT, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>", x, y);
      case CHOSEN ->
          String.format(
              Locale.ROOT, "<path d=\"M%.1f %.1fl8.5 8.5l-8.5 8.5l-8.5 -8.5z\"/>", x, y - 8.5);
    };
  }

  private void text(String css, double atX, double atY, String anchor, String text) {
    line(
        "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
        css, atX, atY, anchor, Html.escape(text));
  }

  @SuppressWarnings("AnnotateFormatMethod") // the annotation would be a dependency for one method
  private void line(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private double across(double value) {
    return LEFT + x.position(value) * (width - LEFT - RIGHT);
  }

  private double up(double value) {
    return height - BOTTOM - y.position(value) * (height - TOP - BOTTOM);
  }
}
