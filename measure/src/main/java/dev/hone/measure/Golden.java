package dev.hone.measure;

import dev.hone.model.Batch;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.runtime.Engine;
import dev.hone.runtime.generate.Generator;
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
 * [token, hidden] and {@code logits.k} [label] or [token, label], and of decoders {@code greedy.k}
 * [token], the tokens of the largest logits that follow; or without {@code .k} where there is one
 * case.
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

  /**
   * How far a greedy answer goes with the reference's. At a step where the two largest logits are
   * closer than {@link #LEAST_MARGIN} rounding may choose the other, and what follows says nothing:
   * it ends the comparison.
   *
   * @param what {@code greedy.2}
   * @param compared tokens before that step
   * @param agreed of these, how many come before the first that differs
   */
  public record Greedy(String what, int compared, int agreed) {
    public boolean agrees() {
      return agreed == compared;
    }
  }

  /** Margin between the two largest logits below which a greedy choice is left to rounding. */
  public static final double LEAST_MARGIN = 1e-3;

  /** Goes on with every case of the file that has a greedy answer, all of them together. */
  public static List<Greedy> greedy(Engine engine, Path file) {
    try (Arena arena = Arena.ofShared()) {
      Safetensors golden = Safetensors.open(file, arena);
      List<String> cases =
          cases(golden).stream().filter(k -> golden.names().contains("greedy" + k)).toList();
      if (cases.isEmpty()) {
        return List.of();
      }
      List<int[]> prompts = cases.stream().map(k -> ints(golden.tensor("ids" + k))).toList();
      List<int[]> expected = cases.stream().map(k -> ints(golden.tensor("greedy" + k))).toList();
      int longest = expected.stream().mapToInt(e -> e.length).max().orElseThrow();
      List<List<Double>> margins =
          prompts.stream().<List<Double>>map(_ -> new ArrayList<>()).toList();
      List<int[]> answers =
          new Generator(engine)
              .greedy(prompts, longest, (s, token, logits) -> margins.get(s).add(margin(logits)));
      var compared = new ArrayList<Greedy>();
      for (int s = 0; s < answers.size(); s++) {
        compared.add(
            compare("greedy" + cases.get(s), expected.get(s), answers.get(s), margins.get(s)));
      }
      return compared;
    }
  }

  private static Greedy compare(String what, int[] expected, int[] answer, List<Double> margins) {
    int compared = 0;
    while (compared < expected.length && margins.get(compared) >= LEAST_MARGIN) {
      compared++;
    }
    int agreed = 0;
    while (agreed < compared && answer[agreed] == expected[agreed]) {
      agreed++;
    }
    return new Greedy(what, compared, agreed);
  }

  /** How far the largest number is above the second. */
  private static double margin(float[] logits) {
    double first = Double.NEGATIVE_INFINITY;
    double second = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      if (logit > first) {
        second = first;
        first = logit;
      } else if (logit > second) {
        second = logit;
      }
    }
    return first - second;
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
      List<String> cases = cases(golden);
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

  private static List<String> cases(Safetensors golden) {
    return golden.names().stream()
        .filter(n -> n.equals("ids") || n.startsWith("ids."))
        .map(n -> n.substring("ids".length()))
        .sorted()
        .toList();
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
