package dev.hone.measure.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.measure.Machine;
import dev.hone.measure.Objective;
import dev.hone.measure.TextTable;
import dev.hone.measure.Units;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What an optimization measured, which candidate it chose, and why.
 *
 * @param model its name as the user gave it
 * @param command as the user typed it
 * @param date ISO 8601
 * @param texts what was measured on, in words: {@code Hone's own texts, 300 to choose by, 300 to
 *     report by}
 * @param lossMeaning in words: {@code 1 - mean cosine to the original's embeddings}
 * @param budget largest loss allowed
 * @param withinBudget whether any candidate met the budget
 * @param candidates without the original, the chosen one among them
 * @param chosen one of the candidates, or the original
 * @param reason of the choice: what completes {@code it was chosen: ...}, without a full stop
 * @param changed texts to report by that the chosen one answers otherwise than the original
 * @param workload what speed was measured on
 * @param notes what else is worth knowing, such as a candidate that was not possible; a sentence
 *     each
 * @param folder where the chosen model was written
 */
public record Report(
    String model,
    String command,
    String date,
    Machine machine,
    String texts,
    String lossMeaning,
    double budget,
    Objective objective,
    boolean withinBudget,
    Measured original,
    List<Measured> candidates,
    Measured chosen,
    String reason,
    List<ChangedAnswer> changed,
    Sizes workload,
    List<String> notes,
    String folder) {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  public Report {
    candidates = List.copyOf(candidates);
    changed = List.copyOf(changed);
    notes = List.copyOf(notes);
    if (!chosen.equals(original) && !candidates.contains(chosen)) {
      throw new IllegalArgumentException(
          "chosen=" + chosen.name() + " is neither the original nor one of the candidates");
    }
  }

  /** How many times as long as the original a candidate takes, by the objective's workload. */
  public double relativeTime(Measured m) {
    return figure(original).times(figure(m));
  }

  /** Writes {@code report.json} and {@code report.html} into a folder. */
  public void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("report.json"), json() + "\n");
    Files.writeString(folder.resolve("report.html"), html());
  }

  public String json() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a report that is no JSON: " + this, e);
    }
  }

  /** One page that needs nothing beside it. */
  public String html() {
    return new HtmlReport(this).toString();
  }

  /** The original, then the candidates. */
  public List<Measured> all() {
    var all = new ArrayList<Measured>();
    all.add(original);
    all.addAll(candidates);
    return all;
  }

  /** The candidates as a table for a terminal, an arrow before the chosen one. */
  public TextTable table() {
    List<String> headers = new ArrayList<>(List.of("", "size", "memory"));
    for (SpeedFigure figure : SpeedFigure.of(original.speeds())) {
      headers.add(figure.words().header);
      headers.add(figure.words().noteHeader());
    }
    headers.add("loss");
    var table = new TextTable(headers, "l" + "r".repeat(headers.size() - 1));
    for (Measured m : all()) {
      List<String> cells =
          new ArrayList<>(
              List.of(m.name(), Units.bytes(m.bytes()), Units.bytes(m.bytesInMemory())));
      for (SpeedFigure figure : SpeedFigure.of(m.speeds())) {
        cells.add(figure.toString());
        cells.add(figure.plainNote());
      }
      cells.add(Units.percent(m.loss()));
      table.row(cells.toArray(String[]::new));
      if (m.equals(chosen)) {
        table.mark();
      }
    }
    return table;
  }

  /** The outcome in a sentence. */
  public String summary() {
    SpeedFigure was = headline(original);
    SpeedFigure is = headline(chosen);
    String figures =
        String.format(
            Locale.ROOT,
            "%s: %s instead of %s (%s smaller), %s instead of %s (%s), loss %s",
            chosen.name(),
            Units.bytes(chosen.bytes()),
            Units.bytes(original.bytes()),
            Units.times((double) original.bytes() / chosen.bytes()),
            is.withUnit(),
            was,
            Units.times(is.times(was)),
            Units.percent(chosen.loss()));
    return withinBudget
        ? figures
        : "Nothing is within the budget of " + Units.percent(budget) + ". Nearest is " + figures;
  }

  /** What the objective is about. */
  SpeedFigure figure(Measured m) {
    return SpeedFigure.of(m.speeds(), objective);
  }

  SpeedFigure headline(Measured m) {
    return SpeedFigure.headline(m.speeds(), objective);
  }
}
