package dev.hone.measure.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.measure.Speed;
import dev.hone.measure.Timing;
import dev.hone.measure.Workload;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;

class ReportTest {
  private static final Pattern SVG =
      Pattern.compile("<svg class=\"plot\" role.*?</svg>", Pattern.DOTALL);

  @TempDir Path folder;

  static List<Report> reports() {
    return List.of(
        Reports.many(),
        Reports.two(),
        Reports.one(),
        Reports.nothingWithinBudget(),
        Reports.gains(),
        Reports.crowded(),
        Reports.decoders());
  }

  @Test
  void jsonHasOriginalCandidatesAndChosen() throws IOException {
    Reports.two().write(folder);
    JsonNode json = new JsonMapper().readTree(folder.resolve("report.json").toFile());
    assertThat(json.at("/original/name").asText()).isEqualTo("original f32");
    assertThat(json.at("/candidates")).hasSize(2);
    assertThat(json.at("/chosen")).isEqualTo(json.at("/candidates/0"));
    assertThat(json.at("/chosen/bytes").asLong()).isEqualTo(22_900_000);
    assertThat(json.at("/chosen/loss").asDouble()).isEqualTo(5.1e-4);
    assertThat(json.at("/chosen/batch/textsPerSecond").asDouble()).isEqualTo(233);
    assertThat(json.at("/objective").asText()).isEqualTo("throughput");
    assertThat(json.at("/withinBudget").asBoolean()).isTrue();
    assertThat(Files.readString(folder.resolve("report.html"))).isEqualTo(Reports.two().html());
  }

  @Test
  void measuredFiguresComeFromTheirTimings() {
    Timing timing = new Timing(new double[] {4e6, 3e6, 5e6});
    Workload workload = Workload.of(List.of("a", "bc"), String::length, 1);
    var speeds = (Speeds.OfTexts) Speeds.of(new Speed(timing, timing, timing), workload);
    assertThat(speeds.batch()).isEqualTo(new Speeds.Throughput(500, 750, 1.4826 * 0.25));
    assertThat(speeds.shortText().p50Millis()).isEqualTo(4);
    assertThat(speeds.shortText().p95Millis()).isCloseTo(4.9, within(1e-12));
  }

  @Test
  void ofADecoderTokensASecondAreTold() {
    Report report = Reports.decoders();
    assertThat(report.relativeTime(report.chosen())).isEqualTo(0.5);
    assertThat(report.summary())
        .isEqualTo(
            "q8_0: 145 MB instead of 271 MB (1.87x smaller), 120 tokens/s instead of 60.0 (2.00x),"
                + " loss 0.24 %");
    assertThat(report.table().toString())
        .contains("tokens/s", "prompt", "together", "480", "2,400")
        .doesNotContain("texts");
    assertThat(report.html())
        .contains("Tokens a second, one sequence", "a prompt of 512", "each of 8 sequences")
        .doesNotContain("exts a second");
    assertThat(report.json()).contains("\"generation\"", "\"generatedTokens\" : 32");
  }

  @Test
  void measuredTokensAreThoseOfAllSequences() {
    Timing timing = new Timing(new double[] {4e6, 3e6, 5e6});
    var speeds =
        (Speeds.OfTokens)
            Speeds.of(new Speed(timing, timing, timing), new Workload.OfTokens(10, 100, 8));
    assertThat(speeds.generation().tokensPerSecond()).isEqualTo(2500);
    assertThat(speeds.prompt().tokensPerSecond()).isEqualTo(25_000);
    assertThat(speeds.batch().tokensPerSecond()).isEqualTo(20_000);
  }

  @Test
  void whatIsChosenMustBeACandidate() {
    Report r = Reports.one();
    assertThatThrownBy(
            () ->
                new Report(
                    r.model(),
                    r.command(),
                    r.date(),
                    r.machine(),
                    r.texts(),
                    r.lossMeaning(),
                    r.budget(),
                    r.objective(),
                    true,
                    r.original(),
                    r.candidates(),
                    Reports.measured("stranger", 1, 1, 0),
                    r.reason(),
                    r.changed(),
                    r.workload(),
                    r.notes(),
                    r.folder()))
        .hasMessageContaining("chosen=stranger");
  }

  @ParameterizedTest
  @MethodSource("reports")
  void pageNeedsNothingBesideIt(Report report) {
    assertThat(report.html())
        .doesNotContain("<script", "<link", "http:", "https:", "url(", "@import", "src=")
        .contains("prefers-color-scheme: dark", "width=device-width");
  }

  @ParameterizedTest
  @MethodSource("reports")
  void plotsAreWellFormedNamedAndInsideTheirFrame(Report report) throws Exception {
    Matcher plots = SVG.matcher(report.html());
    int count = 0;
    for (; plots.find(); count++) {
      Element svg = parse(plots.group());
      assertThat(svg.getElementsByTagName("title").item(0).getTextContent())
          .startsWith("Loss against");
      assertThat(svg.getElementsByTagName("desc").item(0).getTextContent())
          .contains("Chosen: " + report.chosen().name());
      double width = Double.parseDouble(svg.getAttribute("width"));
      double height = Double.parseDouble(svg.getAttribute("height"));
      int points = 0;
      for (Element mark : elements(svg, "circle", "rect")) {
        boolean circle = mark.getTagName().equals("circle");
        assertThat(Double.parseDouble(mark.getAttribute(circle ? "cx" : "x")))
            .isBetween(0.0, width);
        assertThat(Double.parseDouble(mark.getAttribute(circle ? "cy" : "y")))
            .isBetween(0.0, height);
        points++;
      }
      assertThat(points).isEqualTo(report.candidates().size());
      assertThat(
              elements(svg, "text").stream()
                  .filter(t -> t.getAttribute("class").startsWith("label chosen")))
          .hasSize(1);
    }
    assertThat(count).isEqualTo(4);
  }

  @Test
  void labelsDoNotOverlap() throws Exception {
    for (Report report : List.of(Reports.many(), Reports.crowded())) {
      Matcher plots = SVG.matcher(report.html());
      while (plots.find()) {
        var boxes = new ArrayList<double[]>();
        for (Element text : elements(parse(plots.group()), "text")) {
          String css = text.getAttribute("class");
          if (css.startsWith("label") || css.equals("note")) {
            boxes.add(box(text));
          }
        }
        for (int i = 0; i < boxes.size(); i++) {
          for (int j = 0; j < i; j++) {
            double[] a = boxes.get(i);
            double[] b = boxes.get(j);
            boolean apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            assertThat(apart).as("labels %d and %d of %s", i, j, report.model()).isTrue();
          }
        }
      }
    }
  }

  @Test
  void everyPointOfTheUsualReportIsLabelled() throws Exception {
    Matcher plots = SVG.matcher(Reports.many().html());
    while (plots.find()) {
      assertThat(
              elements(parse(plots.group()), "text").stream()
                  .filter(t -> t.getAttribute("class").startsWith("label"))
                  .map(t -> t.getTextContent().replaceFirst("(?<=\\d) [^\\d].*", ""))
                  .flatMap(numbers -> Arrays.stream(numbers.split(", "))))
          .containsExactlyInAnyOrderElementsOf(
              IntStream.range(0, 13).mapToObj(Integer::toString).toList());
    }
  }

  @Test
  void namesAreEscaped() {
    assertThat(Reports.gains().html())
        .doesNotContain("<script>", "<b>")
        .contains("&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;b&gt;&amp;amp;&quot;f32&quot;");
  }

  @Test
  void thePageSaysWhenNothingIsWithinTheBudget() {
    assertThat(Reports.nothingWithinBudget().html()).contains("Nothing is within the budget");
    assertThat(Reports.nothingWithinBudget().summary())
        .startsWith("Nothing is within the budget of 0.010 %. Nearest is int8-channel:");
    assertThat(Reports.two().html()).doesNotContain("Nothing is within the budget");
    assertThat(Reports.two().summary())
        .isEqualTo(
            "int8-channel: 22.9 MB instead of 90.9 MB (3.97x smaller), 233 texts/s instead of 182"
                + " (1.28x), loss 0.051 %");
  }

  @Test
  void tableMarksTheChosenLine() {
    List<String> lines = Reports.many().table().toString().lines().toList();
    assertThat(lines).hasSize(14);
    assertThat(lines.stream().filter(line -> line.startsWith("->")))
        .singleElement()
        .asString()
        .contains("int8-channel dynamic + int8 embeddings", "412", "0.31 %");
  }

  @Test
  void frontKeepsWhatNothingBeats() {
    List<double[]> points =
        List.of(
            new double[] {3, 1},
            new double[] {1, 5},
            new double[] {2, 5},
            new double[] {4, 1},
            new double[] {2, 2});
    assertThat(ParetoFront.of(points, p -> p[0], p -> p[1]))
        .containsExactly(points.get(1), points.get(4), points.get(0));
  }

  @Test
  void lossAxisTellsDecadesApartAndHoldsGains() {
    Axis axis = Axis.SymmetricLog.over(new double[] {0, 2e-4, 0.03, -0.002}, 0.01);
    double zero = axis.position(0);
    assertThat(axis.position(-0.002)).isBetween(0.0, zero);
    assertThat(axis.position(0.03)).isBetween(axis.position(0.01), 1.0);
    assertThat(axis.position(0.01) - axis.position(0.001))
        .isCloseTo(axis.position(0.001) - axis.position(0.0001), within(1e-9));
    assertThat(axis.ticks()).isSorted().contains(0.0, 0.01);
  }

  @Test
  void straightAxisHasRoundTicks() {
    Axis.Linear sizes = Axis.Linear.over(new double[] {18e6, 90.9e6}, 6);
    assertThat(sizes.ticks()).containsExactly(0.0, 20e6, 40e6, 60e6, 80e6);
    Axis.Linear one = Axis.Linear.over(new double[] {233}, 4);
    assertThat(one.position(233)).isBetween(0.0, 1.0);
    assertThat(one.ticks()).hasSizeBetween(2, 8);
  }

  private static Element parse(String svg) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(svg)))
        .getDocumentElement();
  }

  private static List<Element> elements(Element parent, String... names) {
    var found = new ArrayList<Element>();
    for (String name : names) {
      var nodes = parent.getElementsByTagName(name);
      for (int i = 0; i < nodes.getLength(); i++) {
        found.add((Element) nodes.item(i));
      }
    }
    return found;
  }

  /** Left, top, right, bottom of a text at 6.5 px a character, a little less than reserved. */
  private static double[] box(Element text) {
    double x = Double.parseDouble(text.getAttribute("x"));
    double y = Double.parseDouble(text.getAttribute("y"));
    double width = 6.5 * text.getTextContent().length();
    double left =
        switch (text.getAttribute("text-anchor")) {
          case "start" -> x;
          case "end" -> x - width;
          default -> x - width / 2;
        };
    return new double[] {left, y - 10, left + width, y + 2};
  }
}
