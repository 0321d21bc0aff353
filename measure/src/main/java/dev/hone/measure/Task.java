package dev.hone.measure;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.hone.measure.TableFormat.Row;
import dev.hone.model.format.FormatException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is asked of a model, and how a data file holds it: an entry of {@code tasks.yaml}, which
 * explains the fields.
 *
 * @param format null: by the data file's name
 * @param pair null for classification
 */
public record Task(
    String title,
    Kind kind,
    TableFormat format,
    Column text,
    Column pair,
    Column expected,
    List<String> labels,
    List<Metric> metrics) {

  /** What a model must answer. */
  public enum Kind {
    /** How similar two texts are, by the cosine of their embeddings. */
    SIMILARITY,
    /** Which label a text has. */
    CLASSIFICATION
  }

  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS).build();
  private static final Map<String, Task> KNOWN = known();

  public Task {
    labels = labels == null ? List.of() : List.copyOf(labels);
    metrics = metrics == null ? List.of() : List.copyOf(metrics);
    if (title == null || kind == null || text == null || expected == null || metrics.isEmpty()) {
      throw new IllegalArgumentException("a task needs title, kind, text, expected and metrics");
    }
    if ((pair != null) != (kind == Kind.SIMILARITY)) {
      throw new IllegalArgumentException("a pair belongs to similarity, and only there");
    }
  }

  /** The tasks known by name, in the order of the file. */
  public static List<String> names() {
    return List.copyOf(KNOWN.keySet());
  }

  /** A task by its name, or by the path of a file that describes one. */
  public static Task of(String nameOrFile) {
    if (KNOWN.containsKey(nameOrFile)) {
      return KNOWN.get(nameOrFile);
    }
    Path file = Path.of(nameOrFile);
    if (!Files.isRegularFile(file)) {
      throw new TaskException(
          "no task named "
              + nameOrFile
              + ": known are "
              + String.join(", ", names())
              + ", or give a file that describes one");
    }
    try (InputStream in = Files.newInputStream(file)) {
      Map<String, Task> tasks = parse(in);
      if (tasks.size() != 1) {
        throw new FormatException(file + " describes " + tasks.size() + " tasks: must be one");
      }
      return tasks.values().iterator().next();
    } catch (JacksonException e) {
      throw new FormatException(file + " describes no task: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new FormatException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** The metric that a loss is measured by. */
  public Metric metric() {
    return metrics.getFirst();
  }

  /** Reads a data file. */
  public List<Example> examples(Path file) {
    List<Row> rows = Optional.ofNullable(format).orElseGet(() -> TableFormat.of(file)).read(file);
    List<String> first = rows.getFirst().cells();
    boolean header =
        text.named(first) || expected.named(first) || (pair != null && pair.named(first));
    int textAt = find(text, first, header, file);
    int pairAt = pair == null ? -1 : find(pair, first, header, file);
    int expectedAt = find(expected, first, header, file);
    var examples = new ArrayList<Example>();
    for (Row row : rows.subList(header ? 1 : 0, rows.size())) {
      String place = file + ":" + row.line();
      examples.add(
          new Example(
              place,
              cell(row, textAt, text, place),
              pair == null ? null : cell(row, pairAt, pair, place),
              cell(row, expectedAt, expected, place)));
    }
    if (examples.isEmpty()) {
      throw new FormatException(file + " holds a header and nothing else");
    }
    return examples;
  }

  private static int find(Column column, List<String> first, boolean header, Path file) {
    int at = header ? column.in(first) : column.position() - 1;
    if (at < 0) {
      throw new FormatException(
          file
              + ":1: no column "
              + column
              + "; the first row has "
              + String.join(", ", first)
              + (header ? "; rename one of them" : "; add a row with the columns' names on top"));
    }
    return at;
  }

  private static String cell(Row row, int at, Column column, String place) {
    if (at >= row.cells().size() || row.cells().get(at).isBlank()) {
      throw new FormatException(
          place
              + ": column "
              + (at + 1)
              + " ("
              + column
              + ") is missing or empty, the row has "
              + row.cells().size()
              + " columns; complete the row or remove it");
    }
    return row.cells().get(at);
  }

  private static Map<String, Task> known() {
    try (InputStream in = Task.class.getResourceAsStream("tasks.yaml")) {
      return parse(in);
    } catch (IOException e) {
      throw new UncheckedIOException("tasks.yaml of this build is broken", e);
    }
  }

  private static Map<String, Task> parse(InputStream yaml) throws IOException {
    return YAML.readValue(yaml, new TypeReference<LinkedHashMap<String, Task>>() {});
  }
}
