package dev.hone.runtime.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerTest {
  private static final int DRAWS = 20_000;

  private static float[] logits(long seed, int size) {
    Random random = new Random(seed);
    float[] logits = new float[size];
    for (int i = 0; i < size; i++) {
      // Equal ones among them.
      logits[i] = Math.round(8 * random.nextGaussian()) / 4f;
    }
    return logits;
  }

  /** How often each token is drawn, every time by a sampler of its own. */
  private static double[] frequencies(Sampling sampling, float[] logits) {
    double[] counts = new double[logits.length];
    for (int seed = 0; seed < DRAWS; seed++) {
      counts[new Sampler(sampling, seed, 0, new int[0]).choose(logits)] += 1.0 / DRAWS;
    }
    return counts;
  }

  /** Sorted whole, filtered step by step, in double precision. */
  private static double[] expected(Sampling sampling, float[] logits) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, logits.length).boxed().toList());
    order.sort(Comparator.comparingDouble(i -> -logits[i]));
    double[] all = new double[logits.length];
    for (int i : order) {
      all[i] = Math.exp((logits[i] - logits[order.getFirst()]) / (double) sampling.temperature());
    }
    if (sampling.topK() > 0 && sampling.topK() < order.size()) {
      order = order.subList(0, sampling.topK());
    }
    double sum = order.stream().mapToDouble(i -> all[i]).sum();
    List<Integer> kept = new ArrayList<>();
    double before = 0;
    for (int i : order) {
      if (kept.isEmpty() || before < sampling.topP() * sum) {
        kept.add(i);
      }
      before += all[i];
    }
    kept.removeIf(i -> all[i] < sampling.minP());
    double share = kept.stream().mapToDouble(i -> all[i]).sum();
    double[] probabilities = new double[logits.length];
    kept.forEach(i -> probabilities[i] = all[i] / share);
    return probabilities;
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, 1, 0",
    "0.5, 0, 1, 0",
    "2, 7, 1, 0",
    "1, 0, 0.8, 0",
    "1, 0, 0.001, 0",
    "1, 10, 0.7, 0",
    "1, 0, 1, 0.3",
    "1.5, 20, 0.9, 0.2",
    "3, 0, 0.95, 0.4",
    "1, 500, 0.9, 0",
  })
  void drawsAsOftenAsASimpleReferenceSays(float temperature, int topK, float topP, float minP) {
    Sampling sampling = Sampling.of(temperature).only(topK, topP, minP);
    float[] logits = logits(3, 150);
    double[] expected = expected(sampling, logits);
    double[] found = frequencies(sampling, logits);
    IntPredicate possible = i -> expected[i] > 0;
    for (int i = 0; i < logits.length; i++) {
      assertThat(possible.test(i) || found[i] == 0).as("token %d is left out", i).isTrue();
      double deviation = Math.sqrt(expected[i] * (1 - expected[i]) / DRAWS);
      assertThat(found[i])
          .as("token %d", i)
          .isCloseTo(expected[i], within(5 * deviation + 2.0 / DRAWS));
    }
  }

  /** 2 / 1.5 = 1.33, -1 * 1.5 = -1.5; presence 0.25 and frequency 0.5 twice: 3 - 1.25 = 1.75. */
  @Test
  void penaltiesAndBiasesAreAdded() {
    float[] logits = {2, -1, 3, 1.8f, -9};
    Sampling repetition = Sampling.greedy().penalties(1.5f, 0, 0);
    assertThat(new Sampler(repetition, 1, 0, new int[] {0, 1, 2}).choose(logits)).isEqualTo(2);
    assertThat(new Sampler(repetition, 1, 0, new int[] {2, 2, 2}).choose(logits)).isEqualTo(0);
    assertThat(new Sampler(repetition, 1, 0, new int[] {0, 2}).choose(new float[] {2, 1.3f, 1.9f}))
        .isEqualTo(0); // 1.333, 1.3, 1.267
    assertThat(new Sampler(repetition, 1, 0, new int[] {0}).choose(new float[] {-1, -1.4f}))
        .isEqualTo(1); // -1.5, -1.4

    Sampling counts = Sampling.greedy().penalties(1, 0.25f, 0.5f);
    var sampler = new Sampler(counts, 1, 0, new int[] {2, 2, 2, 2, 2, 2, 2}); // no answer's tokens
    assertThat(sampler.choose(logits)).isEqualTo(2); // 3
    assertThat(sampler.choose(logits)).isEqualTo(2); // 3 - 0.75 = 2.25
    assertThat(sampler.choose(logits)).isEqualTo(0); // 3 - 1.25 = 1.75 against 2
    assertThat(sampler.choose(logits)).isEqualTo(3); // 2 - 0.75 = 1.25 against 1.8

    Sampling bias = Sampling.greedy().bias(Map.of(4, 13f, 2, -2f));
    assertThat(new Sampler(bias, 1, 0, new int[0]).choose(logits)).isEqualTo(4);
    assertThat(logits).containsExactly(2, -1, 3, 1.8f, -9);
  }

  @Test
  void everyAnswerHasAStreamOfItsOwn() {
    float[] flat = new float[1000];
    Sampling sampling = Sampling.of(1);
    List<List<Integer>> streams =
        IntStream.range(0, 4)
            .mapToObj(
                answer -> {
                  var sampler = new Sampler(sampling, 42, answer, new int[0]);
                  return IntStream.range(0, 20).mapToObj(_ -> sampler.choose(flat)).toList();
                })
            .toList();
    assertThat(streams).doesNotHaveDuplicates();
    var again = new Sampler(sampling, 42, 2, new int[] {7});
    assertThat(IntStream.range(0, 20).mapToObj(_ -> again.choose(flat)).toList())
        .isEqualTo(streams.get(2));
  }

  @Test
  void logprobsAreThoseOfTheModel() {
    float[] logits = {1, 3, 2, 3};
    double all = Math.log(Math.exp(1) + 2 * Math.exp(3) + Math.exp(2));
    TokenChoice choice = TokenChoice.of(2, logits, 3);
    assertThat(choice.logprob()).isCloseTo(2 - all, within(1e-12));
    assertThat(choice.likeliest()).extracting(TokenChoice.Likely::token).containsExactly(1, 3, 2);
    assertThat(choice.likeliest().get(1).logprob()).isCloseTo(3 - all, within(1e-12));
    assertThat(TokenChoice.of(0, logits, 9).likeliest()).hasSize(4);
  }

  @Test
  void refusesWhatIsNoSetting() {
    assertThatThrownBy(() -> Sampling.of(-1))
        .hasMessage("temperature=-1.0 must be a number from 0");
    assertThatThrownBy(() -> Sampling.of(Float.NaN)).hasMessageContaining("temperature=NaN");
    assertThatThrownBy(() -> Sampling.of(1).only(0, 0, 0)).hasMessageContaining("topP=0.0");
    assertThatThrownBy(() -> Sampling.of(1).only(-1, 1, 0)).hasMessageContaining("topK=-1");
    assertThatThrownBy(() -> Sampling.of(1).only(0, 1, 2)).hasMessageContaining("minP=2.0");
    assertThatThrownBy(() -> Sampling.of(1).penalties(0, 0, 0))
        .hasMessageContaining("repetitionPenalty=0.0");
    assertThatThrownBy(
            () -> new Sampler(Sampling.of(1), 0, 0, new int[0]).choose(new float[] {Float.NaN}))
        .hasMessageContaining("the model's largest logit is NaN");
  }
}
