package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** The lines of a table of quality: figures of one compressed model each, some with a bound. */
final class QualityLines {
  private final List<ObjectNode> all = new ArrayList<>();
  private boolean held = true;

  /** One model's figures. */
  final class Line {
    private final ObjectNode json = new JsonMapper().createObjectNode();

    Line figure(String name, double value) {
      json.put(name, value);
      return this;
    }

    /** A figure that must not be larger. */
    Line atMost(String name, double value, double most) {
      return bounded(name, value, "most", most, value <= most);
    }

    /** A figure that must not be smaller. */
    Line atLeast(String name, double value, double least) {
      return bounded(name, value, "least", least, value >= least);
    }

    private Line bounded(String name, double value, String side, double bound, boolean kept) {
      ObjectNode bounds = json.withObject("/bounds/" + name);
      bounds.put(side, bound).put("held", kept);
      held &= kept;
      return figure(name, value);
    }

    /** The means of a figure of texts over the shortest, the middle and the longest third. */
    Line byLength(String name, List<String> texts, double[] figures) {
      int[] sorted =
          IntStream.range(0, texts.size())
              .boxed()
              .sorted(Comparator.comparingInt(i -> texts.get(i).length()))
              .mapToInt(i -> i)
              .toArray();
      String[] thirds = {"Short", "Middle", "Long"};
      for (int third = 0; third < thirds.length; third++) {
        int from = third * sorted.length / thirds.length;
        int to = (third + 1) * sorted.length / thirds.length;
        double mean =
            IntStream.range(from, to).mapToDouble(i -> figures[sorted[i]]).average().orElse(0);
        figure(name + thirds[third], mean);
      }
      return this;
    }

    /** Ends the line. */
    void end() {
      all.add(json);
      System.err.println(json);
    }
  }

  /** Begins a line. */
  Line line(String name) {
    Line line = new Line();
    line.json.put("line", name);
    return line;
  }

  List<ObjectNode> all() {
    return all;
  }

  /** Whether every bound was kept. */
  boolean held() {
    return held;
  }
}
