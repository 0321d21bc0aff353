package dev.hone.measure.report;

import dev.hone.measure.Estimate;
import dev.hone.measure.Machine;
import dev.hone.measure.Units;
import dev.hone.measure.report.Plot.Content;
import dev.hone.measure.report.Plot.Point;
import dev.hone.measure.report.Plot.Role;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** A report as one page: style and drawings inside, no scripts, nothing fetched. */
final class HtmlReport {
  private static final int PHONE_WIDTH = 358;
  private static final int PHONE_HEIGHT = 340;
  private static final int DESK_WIDTH = 556;
  private static final int DESK_HEIGHT = 400;

  private final Report report;
  private final StringBuilder html = new StringBuilder();

  HtmlReport(Report report) {
    this.report = report;
  }

  @Override
  public String toString() {
    html.setLength(0);
    String title = Html.escape(report.model() + ", optimized by Hone");
    html.append(
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>%s</title>
        <style>
        %s</style>
        </head>
        <body>
        <main>
        """
            .formatted(title, style()));
    heading();
    tiles();
    plots();
    table();
    changed();
    conditions();
    html.append("</main>\n</body>\n</html>\n");
    return html.toString();
  }

  private void heading() {
    add("<header>\n<h1>%s</h1>", report.model());
    if (!report.withinBudget()) {
      add(
          "<p class=\"warning\"><strong>Nothing is within the budget</strong> of %s loss."
              + " The nearest candidate was kept.</p>",
          Units.percent(report.budget()));
    }
    add(
        "<p><strong>%s</strong> was chosen: %s.</p>\n</header>",
        report.chosen().name(), report.reason());
  }

  private void tiles() {
    Measured was = report.original();
    Measured is = report.chosen();
    html.append("<section class=\"tiles\" aria-label=\"Outcome\">\n");
    tile(
        "Size on disk",
        Units.bytes(is.bytes()),
        change((double) was.bytes() / is.bytes(), "smaller", "larger")
            + ", was "
            + Units.bytes(was.bytes()));
    speed(SpeedFigure.of(was.speeds()).get(0), SpeedFigure.of(is.speeds()).get(0));
    speed(SpeedFigure.of(was.speeds()).get(1), SpeedFigure.of(is.speeds()).get(1));
    tile("Loss", Units.percent(is.loss()), "budget " + Units.percent(report.budget()));
    html.append("</section>\n");
  }

  private void speed(SpeedFigure was, SpeedFigure is) {
    tile(
        is.words().tile,
        is.toString(),
        change(is.times(was), "as fast", "slower") + ", was " + was);
  }

  private void tile(String name, String value, String note) {
    add(
        "<div class=\"tile\"><h2>%s</h2><p class=\"value\">%s</p><p class=\"was\">%s</p></div>",
        name, value, note);
  }

  private static String change(double factor, String more, String less) {
    return factor >= 1 ? Units.times(factor) + " " + more : Units.times(1 / factor) + " " + less;
  }

  private void plots() {
    html.append("<section class=\"plots\">\n");
    plot("size", "Loss against size", "size on disk", Measured::bytes, true, HtmlReport::bytesTick);
    SpeedFigure.Words words = report.figure(report.original()).words();
    String kind = words.lessIsBetter() ? "latency" : "speed";
    plot(
        kind,
        "Loss against " + kind,
        words.axis,
        m -> report.figure(m).value(),
        words.lessIsBetter(),
        words::tick);
    html.append("</section>\n");
    legend();
  }

  private static String bytesTick(double bytes) {
    return bytes == 0 ? "0" : Units.bytes(bytes).replace(".00 ", " ").replace(".0 ", " ");
  }

  private void plot(
      String id,
      String title,
      String xTitle,
      ToDoubleFunction<Measured> x,
      boolean lessIsBetter,
      DoubleFunction<String> xLabel) {
    List<Point> points =
        IntStream.range(0, report.all().size())
            .mapToObj(i -> point(i, report.all().get(i), x))
            .toList();
    List<Point> front =
        lessIsBetter
            ? ParetoFront.of(points, Point::x, Point::loss)
            : ParetoFront.of(points, p -> -p.x(), Point::loss).reversed();
    String description =
        "%d candidates and the original. Chosen: %s, %s, loss %s. Best trade-offs: %s."
            .formatted(
                report.candidates().size(),
                report.chosen().name(),
                xTitle + " " + xLabel.apply(x.applyAsDouble(report.chosen())),
                Units.percent(report.chosen().loss()),
                String.join(", ", front.stream().map(Point::name).toList()));
    var content =
        new Content(
            id, title, description, xTitle, xLabel, lessIsBetter, report.budget(), points, front);
    add("<figure>\n<figcaption>%s</figcaption>", title);
    html.append("<div class=\"phone\">\n").append(new Plot(content, PHONE_WIDTH, PHONE_HEIGHT));
    html.append("</div>\n<div class=\"desk\">\n")
        .append(new Plot(content, DESK_WIDTH, DESK_HEIGHT));
    html.append("</div>\n</figure>\n");
  }

  private Point point(int number, Measured m, ToDoubleFunction<Measured> x) {
    String detail =
        "%s: %s, %s, loss %s"
            .formatted(
                m.name(),
                Units.bytes(m.bytes()),
                report.headline(m).withUnit(),
                Units.percent(m.loss()));
    return new Point(number, m.name(), detail, x.applyAsDouble(m), m.loss(), role(m));
  }

  private Role role(Measured m) {
    if (m.equals(report.chosen())) {
      return Role.CHOSEN;
    }
    if (m.equals(report.original())) {
      return Role.ORIGINAL;
    }
    return m.loss() <= report.budget() ? Role.CANDIDATE : Role.OVER_BUDGET;
  }

  private void legend() {
    html.append("<ul class=\"legend\">\n");
    Map<Role, String> names = new LinkedHashMap<>();
    names.put(Role.CHOSEN, "chosen");
    names.put(Role.ORIGINAL, "original");
    names.put(Role.CANDIDATE, "within the budget");
    names.put(Role.OVER_BUDGET, "over the budget");
    names.forEach(
        (role, name) ->
            html.append(
                "<li><svg class=\"plot\" width=\"20\" height=\"20\" aria-hidden=\"true\"><g class=\"%s\">%s</g></svg>%s</li>\n"
                    .formatted(role.css(), Plot.mark(role, 10, 10), name)));
    html.append(
        """
        <li><svg class="plot" width="24" height="20" aria-hidden="true"><path class="front" d="M1 15H12V5H23"/></svg>\
        Pareto front: nothing is better in both</li>
        <li>numbers as in the table</li>
        </ul>
        """);
  }

  /** What stands in a cell, and below it in small type; either may be empty. */
  private record Cell(String value, String note) {}

  private void table() {
    Map<String, Function<Measured, Cell>> columns = columns();
    html.append("<section>\n<h2>All candidates</h2>\n<div class=\"scroll\"><table>\n<thead><tr>");
    html.append("<th scope=\"col\">Candidate</th>");
    columns.keySet().forEach(name -> add("<th scope=\"col\">%s</th>", name));
    html.append("</tr></thead>\n<tbody>\n");
    for (int i = 0; i < report.all().size(); i++) {
      Measured m = report.all().get(i);
      boolean chosen = m.equals(report.chosen());
      html.append(chosen ? "<tr class=\"chosen\">" : "<tr>");
      add(
          "<th scope=\"row\"><span class=\"number\">%s</span> %s%s</th>",
          i, m.name(), chosen ? " \u2190\u00a0chosen" : "");
      columns.forEach(
          (name, column) -> {
            Cell cell = column.apply(m);
            add(
                "<td data-label=\"%s\"><span>%s <small>%s</small></span></td>",
                name, cell.value(), cell.note());
          });
      html.append("</tr>\n");
    }
    html.append("</tbody>\n</table></div>\n");
    add(
        "<p class=\"was\">\u00b1: spread of a run relative to the median. Below a loss or metric:"
            + " the interval that holds 95 %% of what other draws of the texts would give.</p>\n"
            + "</section>");
  }

  private void changed() {
    if (report.changed().isEmpty()) {
      return;
    }
    add(
        "<section>\n<h2>Changed answers</h2>\n<p>%s texts that %s answers otherwise than the"
            + " original.</p>",
        report.changed().size(), report.chosen().name());
    html.append(
        "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Text</th>"
            + "<th scope=\"col\">Was</th><th scope=\"col\">Is</th>"
            + "<th scope=\"col\">Right</th></tr></thead>\n<tbody>\n");
    for (ChangedAnswer answer : report.changed()) {
      add(
          "<tr><th scope=\"row\">%s</th><td data-label=\"Was\">%s</td>"
              + "<td data-label=\"Is\">%s</td><td data-label=\"Right\">%s</td></tr>",
          answer.text(),
          answer.was(),
          answer.is(),
          answer.expected() == null ? "" : answer.expected());
    }
    html.append("</tbody>\n</table></div>\n</section>\n");
  }

  private Map<String, Function<Measured, Cell>> columns() {
    Map<String, Function<Measured, Cell>> columns = new LinkedHashMap<>();
    columns.put("Size", m -> new Cell(Units.bytes(m.bytes()), ""));
    columns.put("In memory", m -> new Cell(Units.bytes(m.bytesInMemory()), ""));
    List<SpeedFigure> figures = SpeedFigure.of(report.original().speeds());
    for (int f = 0; f < figures.size(); f++) {
      int at = f;
      columns.put(figures.get(f).words().column, m -> cell(SpeedFigure.of(m.speeds()).get(at)));
    }
    if (report.candidates().stream().anyMatch(m -> m.predicted() != null)) {
      columns.put(
          "Time to original's",
          m ->
              new Cell(
                  Units.percent(report.relativeTime(m)),
                  m.predicted() == null ? "" : "foretold " + Units.percent(m.predicted())));
    }
    columns.put("Loss", m -> new Cell(Units.percent(m.loss()), interval(m.reportLoss())));
    columns.put("Loss when choosing", m -> new Cell(Units.percent(m.chooseLoss().value()), ""));
    if (report.original().minCosine() != null) {
      columns.put("Least cosine", m -> new Cell(decimals(m.minCosine()), ""));
      columns.put("Same neighbours", m -> new Cell(Units.percent(m.neighbourAgreement()), ""));
    }
    for (String metric : report.original().metrics().keySet()) {
      columns.put(
          metric,
          m -> {
            Estimate e = m.metrics().get(metric);
            return new Cell(decimals(e.value()), decimals(e.low()) + " to " + decimals(e.high()));
          });
    }
    return columns;
  }

  private static Cell cell(SpeedFigure figure) {
    return new Cell(figure.toString(), figure.smallNote());
  }

  private static String interval(Estimate estimate) {
    return estimate.low() == estimate.high()
        ? ""
        : Units.percent(estimate.low()) + " to " + Units.percent(estimate.high());
  }

  private static String decimals(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }

  private void conditions() {
    Machine machine = report.machine();
    html.append("<section>\n<h2>How this was measured</h2>\n<dl>\n");
    add("<dt>Command</dt><dd><code>%s</code></dd>", report.command());
    add("<dt>Date</dt><dd>%s</dd>", report.date());
    add(
        "<dt>Objective</dt><dd>%s within %s loss</dd>",
        report.objective().label(), Units.percent(report.budget()));
    add("<dt>Loss</dt><dd>%s</dd>", report.lossMeaning());
    add("<dt>Texts</dt><dd>%s</dd>", report.texts());
    add(
        "<dt>Speed</dt><dd>%s; %s rounds, each with the original in turn, whose times correct for a"
            + " machine that is now faster, now slower</dd>",
        report.workload().text(), report.workload().rounds());
    add("<dt>Written to</dt><dd>%s</dd>", report.folder());
    for (String note : report.notes()) {
      add("<dt>Note</dt><dd>%s</dd>", note);
    }
    add(
        "<dt>Machine</dt><dd>%s, %s cores, %s memory, %s</dd>",
        machine.cpu(), machine.cores(), Units.bytes(machine.memoryBytes()), machine.os());
    add("<dt>Java</dt><dd>%s</dd>", machine.jdk());
    add("<dt>Kernels</dt><dd>%s, %s threads</dd>", machine.kernels(), machine.threads());
    html.append("</dl>\n</section>\n");
  }

  /** Adds a line; what stands for the {@code %s} is escaped. */
  private void add(String format, Object... values) {
    Object[] escaped = new Object[values.length];
    Arrays.setAll(escaped, i -> Html.escape(String.valueOf(values[i])));
    html.append(String.format(format, escaped)).append('\n');
  }

  private static String style() {
    try (InputStream in = HtmlReport.class.getResourceAsStream("report.css")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("report.css of this build is broken", e);
    }
  }
}
