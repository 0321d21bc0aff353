package dev.hone.compress.search;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.format.FormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a search has measured, a line of JSON each; the next run of the same search goes on behind
 * it, within the same budget or another. A line that a killed run left half written is cut off.
 *
 * <pre>
 *   {"search": {"model": "1c0ffee", "objective": "size", ...}}                 what is searched
 *   {"group": "attention-in.0", "recipe": "int4-g32-asym", "loss": 1.5e-5}     lowered alone
 *   {"trial": {"name": "mixed-1", ...}}                                         a whole candidate
 * </pre>
 */
final class TrialLog {
  private static final JsonMapper JSON = new JsonMapper();

  private final Path file;
  private String head = ""; // first line, where it does not stand in the file yet
  private final Map<String, Trial> trials = new LinkedHashMap<>();
  private final Map<String, Double> losses = new HashMap<>();

  private TrialLog(Path file) {
    this.file = file;
  }

  /** The log that stands beside what a search writes. */
  static Path beside(Path target) {
    return target.toAbsolutePath().resolveSibling(target.getFileName() + ".trials.jsonl");
  }

  /**
   * Opens a log, or begins one: there is no file before something was measured.
   *
   * @param search what all results depend on
   * @throws FormatException where the file is the log of another search
   */
  static TrialLog open(Path file, Map<String, String> search) throws IOException {
    var log = new TrialLog(file);
    if (!Files.exists(file) || !log.read(search)) {
      ObjectNode line = JSON.createObjectNode();
      line.set("search", JSON.valueToTree(search));
      log.head = line + "\n";
    }
    return log;
  }

  /** Reads what is whole; false where not even the first line is. */
  private boolean read(Map<String, String> search) throws IOException {
    String text = Files.readString(file);
    String whole = text.substring(0, text.lastIndexOf('\n') + 1);
    int number = 0;
    for (String line : whole.lines().toList()) {
      number++;
      try {
        JsonNode json = JSON.readTree(line);
        if (number == 1) {
          require(search, json.path("search"));
        } else if (json.has("trial")) {
          Trial trial = JSON.treeToValue(json.get("trial"), Trial.class);
          trials.put(trial.name(), trial);
        } else {
          losses.put(
              key(json.path("group").asText(), json.path("recipe").asText()),
              json.path("loss").asDouble());
        }
      } catch (JsonProcessingException e) {
        throw new FormatException(
            file + ":" + number + " is no line of a search's log: " + e.getOriginalMessage(), e);
      }
    }
    if (whole.length() < text.length()) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(whole.getBytes(StandardCharsets.UTF_8).length); // nothing is written anew
      }
    }
    return number > 0;
  }

  private void require(Map<String, String> search, JsonNode found) {
    search.forEach(
        (what, value) -> {
          if (!found.path(what).asText().equals(value)) {
            throw new FormatException(
                file
                    + " is the log of another search: its "
                    + what
                    + " is "
                    + found.path(what).asText("missing")
                    + ", not "
                    + value
                    + "; name another folder (-o), or remove the file to begin anew");
          }
        });
  }

  /** The trial of a recipe, where it was measured already. */
  Optional<Trial> trial(String recipe) {
    return Optional.ofNullable(trials.get(recipe));
  }

  /** The mixtures that were measured already. */
  List<Trial> mixtures() {
    return trials.values().stream().filter(t -> !t.assignment().isEmpty()).toList();
  }

  /** The loss of a model with one group lowered, where it was measured already. */
  OptionalDouble loss(String group, String recipe) {
    Double loss = losses.get(key(group, recipe));
    return loss == null ? OptionalDouble.empty() : OptionalDouble.of(loss);
  }

  void add(Trial trial) {
    trials.put(trial.name(), trial);
    ObjectNode line = JSON.createObjectNode();
    line.set("trial", JSON.valueToTree(trial));
    append(line);
  }

  void add(String group, String recipe, double loss) {
    losses.put(key(group, recipe), loss);
    append(JSON.createObjectNode().put("group", group).put("recipe", recipe).put("loss", loss));
  }

  private void append(ObjectNode line) {
    try {
      Files.writeString(
          file, head + line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      head = "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String key(String group, String recipe) {
    return group + " " + recipe;
  }
}
