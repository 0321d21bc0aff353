package dev.hone.measure.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.measure.Machine;
import dev.hone.measure.Objective;
import dev.hone.measure.Speed;
import dev.hone.measure.TextTable;
import dev.hone.measure.Units;
import dev.hone.measure.Workload;
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

  /** Sizes of the texts that speed was measured on. */
  public record Sizes(
      int shortTokens, int longTokens, int batchTexts, int batchTokens, int rounds) {
    public static Sizes of(Speed speed) {
      Workload workload = speed.workload();
      return new Sizes(
          workload.shortText().tokens(),
          workload.longText().tokens(),
          workload.batch().texts().size(),
          workload.batch().tokens(),
          speed.batch().nanos().length);
    }
  }

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
    return objective == Objective.LATENCY
        ? m.shortText().p50Millis() / original.shortText().p50Millis()
        : original.batch().textsPerSecond() / m.batch().textsPerSecond();
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
    var table =
        new TextTable(
            List.of(
                "",
                "size",
                "memory",
                "texts/s",
                "noise",
                "short p50",
                "p95",
                "long p50",
                "p95",
                "loss"),
            "lrrrrrrrrr");
    for (Measured m : all()) {
      table.row(
          m.name(),
          Units.bytes(m.bytes()),
          Units.bytes(m.bytesInMemory()),
          Units.rate(m.batch().textsPerSecond()),
          "+-" + Units.percent(m.batch().noise()),
          Units.millis(m.shortText().p50Millis()),
          Units.millis(m.shortText().p95Millis()),
          Units.millis(m.longText().p50Millis()),
          Units.millis(m.longText().p95Millis()),
          Units.percent(m.loss()));
      if (m.equals(chosen)) {
        table.mark();
      }
    }
    return table;
  }

  /** The outcome in a sentence. */
  public String summary() {
    String figures =
        String.format(
            Locale.ROOT,
            "%s: %s instead of %s (%s smaller), %s texts/s instead of %s (%s), loss %s",
            chosen.name(),
            Units.bytes(chosen.bytes()),
            Units.bytes(original.bytes()),
            Units.times((double) original.bytes() / chosen.bytes()),
            Units.rate(chosen.batch().textsPerSecond()),
            Units.rate(original.batch().textsPerSecond()),
            Units.times(speedup()),
            Units.percent(chosen.loss()));
    return withinBudget
        ? figures
        : "Nothing is within the budget of " + Units.percent(budget) + ". Nearest is " + figures;
  }

  double speedup() {
    return chosen.batch().textsPerSecond() / original.batch().textsPerSecond();
  }
}
