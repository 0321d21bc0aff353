package dev.hone.measure.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.TaskException;
import dev.hone.measure.language.Windows.Window;
import dev.hone.model.Batch;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.runtime.ActivationType;
import dev.hone.tensor.DType;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is measured part by part is what whole windows give, worked out the long way. */
class LanguageModelTest {
  private static final String TEXT =
      "It was the best of times, it was the worst of times, it was the age of wisdom, it was the"
          + " age of foolishness, it was the epoch of belief, it was the epoch of incredulity.";
  private static final double TOLERANCE = 1e-4;

  @TempDir private Path folder;
  private final ComputePool pool = new ComputePool(2);
  private final Arena arena = Arena.ofShared();
  private LanguageModel model;

  @BeforeEach
  void load() throws IOException {
    model = load(false);
  }

  private LanguageModel load(boolean begin) throws IOException {
    Path file = ByteModels.write(folder.resolve(begin + ".gguf"), begin);
    return LanguageModel.load(file, KernelTier.VECTOR, ActivationType.F32, pool);
  }

  @AfterEach
  void close() {
    model.close();
    pool.close();
    arena.close();
  }

  /** {@code log p} of every entry behind every token of a window, run whole. */
  private static double[][] logProbabilities(LanguageModel model, int[] ids) {
    float[][] logits = model.engine().run(Batch.of(List.of(ids)));
    return Arrays.stream(logits)
        .map(
            row -> {
              double sum = IntStream.range(0, row.length).mapToDouble(i -> Math.exp(row[i])).sum();
              return IntStream.range(0, row.length)
                  .mapToDouble(i -> row[i] - Math.log(sum))
                  .toArray();
            })
        .toArray(double[][]::new);
  }

  @ParameterizedTest
  @CsvSource({"32, 32, 5", "32, 8, 100", "40, 13, 3"})
  void perplexityIsTheOneOfWholeWindows(int size, int stride, int most) {
    Windows windows = new Windows(size, stride, most);
    int[] ids = model.ids(TEXT);
    assertThat(ids).hasSize(TEXT.length());
    double sum = 0;
    int count = 0;
    double halfSum = 0;
    int halfCount = 0;
    for (Window window : windows.of(ids.length)) {
      double[][] logs =
          logProbabilities(model, Arrays.copyOfRange(ids, window.from(), window.to()));
      for (int token = window.scored(); token < window.to(); token++) {
        int place = token - window.from();
        double loss = -logs[place - 1][ids[token]];
        sum += loss;
        count++;
        if (place > size / 2) {
          halfSum += loss;
          halfCount++;
        }
      }
    }
    var done = new java.util.ArrayList<Integer>();
    Perplexity found = Perplexity.of(model, ids, windows, done::add);
    assertThat(done).hasSize(windows.of(ids.length).size()).endsWith(done.size());
    assertThat(found.all().tokens()).isEqualTo(count);
    assertThat(found.all().mean()).isCloseTo(sum / count, within(TOLERANCE));
    assertThat(found.secondHalf().tokens()).isEqualTo(halfCount);
    assertThat(found.secondHalf().mean()).isCloseTo(halfSum / halfCount, within(TOLERANCE));
    Estimate estimate = Perplexity.estimate(found.all(), Bootstrap.STANDARD);
    assertThat(estimate.value()).isCloseTo(Math.exp(sum / count), within(0.05));
    assertThat(estimate.value()).isBetween(estimate.low(), estimate.high());
  }

  /** The token before every text stands in place of each window's first. */
  @Test
  void windowsBeginAsTextsDo() throws IOException {
    try (LanguageModel begun = load(true)) {
      int[] ids = begun.ids(TEXT);
      assertThat(ids).isEqualTo(model.ids(TEXT));
      double sum = 0;
      for (int from : new int[] {0, 16}) {
        int[] window = Arrays.copyOfRange(ids, from, from + 16);
        window[0] = 1;
        double[][] logs = logProbabilities(begun, window);
        for (int place = 1; place < 16; place++) {
          sum -= logs[place - 1][window[place]];
        }
      }
      Windows windows = new Windows(16, 16, 2);
      assertThat(Perplexity.of(begun, ids, windows, _ -> {}).all().mean())
          .isCloseTo(sum / 30, within(TOLERANCE));
      assertThat(Perplexity.of(model, ids, windows, _ -> {}).all().mean())
          .isNotCloseTo(sum / 30, within(TOLERANCE));
    }
  }

  @Test
  void aModelIsNoDistanceFromItself() {
    Divergence same = Divergence.of(model, model, TEXT, new Windows(32, 16, 4), _ -> {});
    assertThat(same.all().tokens()).isEqualTo(31 + 3 * 16);
    assertThat(same.all().divergence(Bootstrap.STANDARD).value()).isZero();
    assertThat(same.all().shift(Bootstrap.STANDARD).value()).isZero();
    assertThat(same.all().sameTop(Bootstrap.STANDARD).value()).isEqualTo(1);
  }

  @Test
  void someWindowsAndTheRiseOfPerplexityAreThoseOfAll() {
    Windows windows = new Windows(32, 32, 4);
    int[] ids = model.ids(TEXT);
    try (LanguageModel rounded = model.with(rounded(model.model().transformer()))) {
      Divergence.Found all = Divergence.of(model, rounded, TEXT, windows, _ -> {}).all();
      List<Window> some = List.of(windows.of(ids.length).get(1), windows.of(ids.length).get(3));
      Divergence.Found found = Divergence.of(model, rounded, ids, some);
      assertThat(found.windows().get(0)).isEqualTo(all.windows().get(1));
      assertThat(found.windows().get(1)).isEqualTo(all.windows().get(3));
      Estimate rise = all.perplexityRise(Bootstrap.STANDARD);
      double from = all.referencePerplexity(Bootstrap.STANDARD).value();
      assertThat(rise.value())
          .isCloseTo(all.perplexity(Bootstrap.STANDARD).value() / from - 1, within(1e-9))
          .isBetween(rise.low(), rise.high());
    }
  }

  @Test
  void divergenceIsTheOneOfWholeWindows() {
    Windows windows = new Windows(32, 32, 3);
    int[] ids = model.ids(TEXT);
    try (LanguageModel rounded = model.with(rounded(model.model().transformer()))) {
      double[] divergences = new double[3 * 31];
      double squares = 0;
      double same = 0;
      double halfSum = 0;
      int at = 0;
      for (Window window : windows.of(ids.length)) {
        int[] read = Arrays.copyOfRange(ids, window.from(), window.to());
        double[][] p = logProbabilities(model, read);
        double[][] q = logProbabilities(rounded, read);
        for (int place = 1; place < 32; place++) {
          double[] mine = p[place - 1];
          double[] other = q[place - 1];
          double divergence =
              IntStream.range(0, 256)
                  .mapToDouble(i -> Math.exp(mine[i]) * (mine[i] - other[i]))
                  .sum();
          squares += Math.pow(Math.exp(other[read[place]]) - Math.exp(mine[read[place]]), 2);
          same += likeliest(mine) == likeliest(other) ? 1 : 0;
          halfSum += place > 16 ? divergence : 0;
          divergences[at++] = divergence;
        }
      }
      Divergence found = Divergence.of(model, rounded, TEXT, windows, _ -> {});
      double mean = Arrays.stream(divergences).average().orElseThrow();
      assertThat(mean).isGreaterThan(1e-4);
      double close = mean * 1e-2;
      assertThat(found.all().divergence(Bootstrap.STANDARD).value()).isCloseTo(mean, within(close));
      assertThat(found.secondHalf().tokens()).isEqualTo(3 * 15);
      assertThat(found.secondHalf().divergence(Bootstrap.STANDARD).value())
          .isCloseTo(halfSum / 45, within(close));
      Arrays.sort(divergences);
      assertThat(found.all().divergence(50)).isCloseTo(divergences[46], within(close));
      assertThat(found.all().divergence(100)).isCloseTo(divergences[92], within(close));
      assertThat(found.all().shift(Bootstrap.STANDARD).value())
          .isCloseTo(Math.sqrt(squares / 93), within(1e-6));
      assertThat(found.all().sameTop(Bootstrap.STANDARD).value())
          .isCloseTo(same / 93, within(1.5 / 93));
    }
  }

  private static int likeliest(double[] logs) {
    return IntStream.range(0, logs.length)
        .reduce((a, b) -> logs[b] > logs[a] ? b : a)
        .orElseThrow();
  }

  private Transformer rounded(Transformer original) {
    return original.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            return layer.with(Layouts.encode(layer.weight().tensor(), DType.Block.Q4_0, arena));
          }
        });
  }

  @Test
  void windowsMustFitTheModel() {
    assertThatThrownBy(
            () -> Perplexity.of(model, model.ids(TEXT), new Windows(129, 129, 1), _ -> {}))
        .isInstanceOf(TaskException.class)
        .hasMessageContaining("reads at most 128 tokens: window=129");
  }
}
