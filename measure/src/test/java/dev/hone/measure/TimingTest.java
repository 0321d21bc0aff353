package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.measure.Timing.Plan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TimingTest {
  private static final Plan PLAN = new Plan(20, 20, Duration.ofMillis(1));

  /** A machine whose time passes only when something works. */
  private long now;

  @Test
  void turnsChangeFromRoundToRoundSoThatDriftHitsAllAlike() {
    var order = new StringBuilder();
    double[] drift = {1};
    Runnable a = () -> work(order, 'a', (long) (1000 * drift[0]));
    Runnable b = () -> work(order, 'b', (long) (2000 * (drift[0] += 0.01)));
    List<Timing> timings = Timing.interleaved(PLAN, List.of(a, b), () -> now);
    assertThat(order.substring(order.length() - 40)).isEqualTo("abba".repeat(10));
    assertThat(Statistics.median(timings.get(1).ratiosTo(timings.get(0))))
        .isCloseTo(2, within(0.02));
    assertThat(timings.get(0).nanos()).hasSize(20);
  }

  @Test
  void warmUpLastsUntilTheWorkGetsNoFaster() {
    var calls = new ArrayList<Long>();
    Runnable compiling =
        () -> {
          calls.add(now);
          now += calls.size() <= 30 ? 100 - 3 * calls.size() : 10;
        };
    Timing timing = Timing.interleaved(PLAN, List.of(compiling), () -> now).getFirst();
    assertThat(timing.nanos()).containsOnly(10);
    assertThat(timing.noise()).isZero();
  }

  @Test
  void figuresOfKnownTimes() {
    double[] nanos = new double[100];
    Arrays.setAll(nanos, i -> 100 + i);
    Timing timing = new Timing(nanos);
    assertThat(timing.p50Nanos()).isEqualTo(149.5);
    assertThat(timing.p95Nanos()).isCloseTo(194.05, within(1e-9));
    assertThat(timing.noise()).isCloseTo(1.4826 * 25 / 149.5, within(1e-9));
  }

  @Test
  void roundsAreBoundedByTimeAndNumber() {
    Runnable work = () -> now += 1_000_000;
    assertThat(rounds(new Plan(5, 1000, Duration.ofMillis(50)), work)).isEqualTo(50);
    assertThat(rounds(new Plan(5, 12, Duration.ofMillis(50)), work)).isEqualTo(12);
    assertThat(rounds(new Plan(5, 12, Duration.ofMillis(1)), work)).isEqualTo(5);
  }

  @Test
  void equalWorkIsNotToldApartAndSlowerWorkIs() {
    int told = 0;
    for (int seed = 0; seed < 40; seed++) {
      Estimate ratio = Bootstrap.STANDARD.quotientOfMedians(ratios(seed, 1), ratios(100 + seed, 1));
      told += ratio.low() > 1 || ratio.high() < 1 ? 1 : 0;
    }
    assertThat(told).isLessThanOrEqualTo(5);
    Estimate slower = Bootstrap.STANDARD.quotientOfMedians(ratios(2, 1.3), ratios(1, 1));
    assertThat(slower.value()).isCloseTo(1.3, within(0.1));
    assertThat(slower.low()).isGreaterThan(1.1);
    Timing a = jittery(1, 1);
    assertThatThrownBy(() -> a.ratiosTo(new Timing(new double[3])))
        .hasMessageContaining("rounds=60 and 3");
  }

  @Test
  void warmUpEndsInTimeWhereOneRunIsLong() {
    var calls = new ArrayList<Long>();
    Runnable slow =
        () -> {
          calls.add(now);
          now += 700_000;
        };
    Timing.interleaved(new Plan(3, 3, Duration.ofMillis(1)), List.of(slow), () -> now);
    assertThat(calls).hasSize(2 + 3);
  }

  @Test
  void whatWasMeasuredWhileTheMachineWasSlowIsCorrectedByWhatRanBeside() {
    Timing one = new Timing(new double[] {1e6, 2e6, 3e6});
    Timing twice = new Timing(new double[] {2e6, 4e6, 6e6});
    Speed usual = new Speed(one, one, one);
    Speed slow = new Speed(twice, twice, twice);
    assertThat(slow.corrected(slow, usual).many().nanos()).containsExactly(1e6, 2e6, 3e6);
    assertThat(usual.corrected(slow, usual).one().p50Nanos()).isEqualTo(1e6);
    assertThat(Speed.pooled(List.of(usual, slow)).large().nanos())
        .containsExactly(1e6, 2e6, 3e6, 2e6, 4e6, 6e6);
  }

  @Test
  void workloadTakesTheNearestTextsAndASeededBatch() {
    var texts = new ArrayList<String>();
    for (int words = 1; words <= 300; words++) {
      texts.add("w ".repeat(words).strip());
    }
    Workload.OfTexts workload = Workload.of(texts, TimingTest::words, 1);
    assertThat(workload.shortText().tokens()).isEqualTo(16);
    assertThat(workload.longText().tokens()).isEqualTo(256);
    assertThat(workload.batch().texts()).hasSize(32).doesNotHaveDuplicates();
    assertThat(workload.batch().tokens())
        .isEqualTo(workload.batch().texts().stream().mapToInt(TimingTest::words).sum());
    assertThat(Workload.of(texts, TimingTest::words, 1)).isEqualTo(workload);
    assertThat(Workload.of(texts, TimingTest::words, 2)).isNotEqualTo(workload);
    assertThatThrownBy(() -> Workload.of(List.of(), TimingTest::words, 1))
        .hasMessageContaining("no texts");
  }

  @Test
  void speedCountsTheBatchsTexts() {
    var texts = List.of("a b", "a b c d");
    Workload.OfTexts workload = Workload.of(texts, TimingTest::words, 1);
    Timing batch = new Timing(new double[] {4e6, 4e6, 4e6});
    Speed speed = new Speed(batch, batch, batch);
    assertThat(workload.textsPerSecond(speed)).isEqualTo(500);
    assertThat(workload.tokensPerSecond(speed)).isEqualTo(1500);
  }

  @Test
  void everyModelSeesEveryText() {
    var seen = new ArrayList<List<String>>();
    Workload.OfTexts workload = Workload.of(List.of("a", "b"), TimingTest::words, 1);
    var plan = new Plan(3, 3, Duration.ofMillis(1));
    List<Speed> speeds =
        Speed.measure(plan, List.of(workload.by(seen::add), workload.by(texts -> {})));
    assertThat(speeds).hasSize(2);
    assertThat(seen).contains(List.of("a"), workload.batch().texts());
  }

  /** A work's ratios to one that ran in the same rounds. */
  private static double[] ratios(long seed, double factor) {
    return jittery(seed, factor).ratiosTo(jittery(1000 + seed, 1));
  }

  private static Timing jittery(long seed, double factor) {
    return new Timing(new SplittableRandom(seed).doubles(60, 0.8 * factor, 1.2 * factor).toArray());
  }

  private int rounds(Plan plan, Runnable work) {
    return Timing.interleaved(plan, List.of(work), () -> now).getFirst().nanos().length;
  }

  private void work(StringBuilder order, char name, long nanos) {
    order.append(name);
    now += nanos;
  }

  private static int words(String text) {
    return text.split(" ").length;
  }
}
