package dev.hone.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What Hone and a peer reached at the same work in every round: figures are medians over the
 * rounds, and how much faster Hone is the median of what it is within each.
 */
final class BothSides {
  /** What a figure says. */
  enum Unit {
    MILLIS("Millis"),
    TOKENS_PER_SECOND("TokensPerSecond");

    private final String suffix;

    Unit(String suffix) {
      this.suffix = suffix;
    }

    double speed(double hone, double peer) {
      return switch (this) {
        case MILLIS -> peer / hone;
        case TOKENS_PER_SECOND -> hone / peer;
      };
    }
  }

  private final String peer;
  private final Unit unit;
  private final int rounds;
  private final Map<String, List<double[]>> pairs = new LinkedHashMap<>();
  private int added;

  /**
   * @param peer with which the names of its figures begin
   */
  BothSides(String peer, Unit unit, int rounds) {
    this.peer = peer;
    this.unit = unit;
    this.rounds = rounds;
  }

  /** Takes a round: figures by the names of what was done. What only one side did is left out. */
  void add(String name, JsonNode hone, JsonNode other) {
    added++;
    System.err.printf(
        Locale.ROOT,
        "%s, round %d of %d: hone %s, %s %s%n",
        name,
        added,
        rounds,
        hone,
        peer,
        other);
    for (String work : (Iterable<String>) hone::fieldNames) {
      if (other.has(work)) {
        pairs
            .computeIfAbsent(work, _ -> new ArrayList<>())
            .add(new double[] {hone.get(work).asDouble(), other.get(work).asDouble()});
      }
    }
  }

  /** By the names of what was done. */
  ObjectNode figures() {
    ObjectNode figures = new JsonMapper().createObjectNode();
    pairs.forEach(
        (work, values) -> {
          ObjectNode one = figures.putObject(work);
          one.put("hone" + unit.suffix, median(values.stream().mapToDouble(v -> v[0]).toArray()));
          one.put(peer + unit.suffix, median(values.stream().mapToDouble(v -> v[1]).toArray()));
          double[] ratios =
              values.stream().mapToDouble(v -> unit.speed(v[0], v[1])).sorted().toArray();
          one.put(
              "speedOver" + Character.toUpperCase(peer.charAt(0)) + peer.substring(1),
              median(ratios));
          one.put("least", round(ratios[0]));
          one.put("most", round(ratios[ratios.length - 1]));
        });
    return figures;
  }

  /** Rounded to thousandths; sorts the values. */
  static double median(double... values) {
    Arrays.sort(values);
    int middle = values.length / 2;
    return round(
        values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2);
  }

  private static double round(double value) {
    return Math.round(value * 1000) / 1000.0;
  }
}
