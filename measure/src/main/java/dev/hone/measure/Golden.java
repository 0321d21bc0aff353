package dev.hone.measure;

import dev.hone.model.Batch;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.runtime.Engine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a reference implementation answered to some token ids, held against what a model answers
 * here. The file is safetensors with, for k = 0, 1, ...: {@code ids.k} [token], {@code hidden.k}
 * [token, hidden] and {@code logits.k} [label] or [token, label]; or without {@code .k} where there
 * is one case.
 */
public final class Golden {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Golden() {}

  /**
   * How far an answer is from the reference.
   *
   * @param what {@code hidden.2}, {@code logits.0}
   * @param largest largest absolute difference
   * @param spread standard deviation of the reference's numbers
   */
  public record Difference(String what, int tokens, double largest, double spread) {
    /** The largest difference in units of the reference's spread. */
    public double relative() {
      return spread == 0 ? largest : largest / spread;
    }
  }

  /** Runs every case of the file, each alone. */
  public static List<Difference> compare(Engine engine, Path file) {
    return compare(engine, file, false);
  }

  /**
   * Runs every case of the file.
   *
   * @param packed all cases in one batch, instead of each alone
   */
  public static List<Difference> compare(Engine engine, Path file, boolean packed) {
    try (Arena arena = Arena.ofShared()) {
      Safetensors golden = Safetensors.open(file, arena);
      List<String> cases =
          golden.names().stream()
              .filter(n -> n.equals("ids") || n.startsWith("ids."))
              .map(n -> n.substring("ids".length()))
              .sorted()
              .toList();
      if (cases.isEmpty()) {
        throw new FormatException(
            file + " holds no ids: a golden file has ids.0, hidden.0, logits.0");
      }
      List<int[]> ids = cases.stream().map(k -> ints(golden.tensor("ids" + k))).toList();
      var differences = new ArrayList<Difference>();
      if (packed) {
        differences.addAll(compare(engine, golden, cases, ids, arena));
      } else {
        for (int i = 0; i < ids.size(); i++) {
          differences.addAll(
              compare(engine, golden, cases.subList(i, i + 1), ids.subList(i, i + 1), arena));
        }
      }
      if (differences.isEmpty()) {
        throw new FormatException(
            file
                + " holds ids and nothing to compare: a golden file has hidden"
                + cases.getFirst()
                + " or logits"
                + cases.getFirst()
                + " too");
      }
      return differences;
    }
  }

  private static List<Difference> compare(
      Engine engine, Safetensors golden, List<String> cases, List<int[]> ids, Arena arena) {
    Batch batch = Batch.of(ids);
    float[][] hidden = engine.hidden(batch);
    float[][] answer = engine.run(batch);
    boolean perToken = answer.length == batch.tokens();
    var differences = new ArrayList<Difference>();
    for (int s = 0; s < cases.size(); s++) {
      int from = batch.offsets()[s];
      int to = batch.offsets()[s + 1];
      compare(golden, "hidden" + cases.get(s), hidden, from, to, arena, differences);
      if (perToken && batch.tokens() != batch.sequences()) {
        compare(golden, "logits" + cases.get(s), answer, from, to, arena, differences);
      } else {
        compare(golden, "logits" + cases.get(s), answer, s, s + 1, arena, differences);
      }
    }
    return differences;
  }

  private static void compare(
      Safetensors golden,
      String name,
      float[][] rows,
      int from,
      int to,
      Arena arena,
      List<Difference> differences) {
    if (!golden.names().contains(name)) {
      return;
    }
    Tensor tensor = golden.tensor(name);
    float[] expected = Layouts.decode(tensor, arena).toArray();
    int cols = rows[from].length;
    if (expected.length != (to - from) * cols) {
      throw new FormatException(
          golden.source()
              + ": "
              + name
              + " is "
              + tensor.shapeText()
              + ", the model answers ["
              + (to - from)
              + ", "
              + cols
              + "]");
    }
    double largest = 0;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(rows[from + i / cols][i % cols] - expected[i]);
      // A NaN must not pass for agreement.
      largest = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(largest, difference);
      sum += expected[i];
      squares += (double) expected[i] * expected[i];
    }
    double mean = sum / expected.length;
    double spread = Math.sqrt(Math.max(0, squares / expected.length - mean * mean));
    differences.add(new Difference(name, to - from, largest, spread));
  }

  private static int[] ints(Tensor tensor) {
    if (tensor.dtype() == Plain.I32) {
      return tensor.data().toArray(INT);
    }
    throw new FormatException("ids must be i32, not " + tensor);
  }
}
