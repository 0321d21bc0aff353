package dev.hone.compress.search;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.measure.Estimate;
import dev.hone.measure.Objective;
import dev.hone.measure.Speed;
import dev.hone.measure.Timing;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ChoiceTest {
  private final SplittableRandom random = new SplittableRandom(1);

  @Test
  void whatWasMeasuredWhileTheMachineWasSlowIsNotSlowerForThat() {
    Trial fast = trial("fast", 100, 0.001, 1, 0.8);
    Trial fastOnASlowMachine = trial("faster", 90, 0.001, 3, 0.5);
    assertThat(Speed.pooled(List.of(fastOnASlowMachine.speed())).many().p50Nanos())
        .isGreaterThan(fast.speed().many().p50Nanos());
    assertThat(choice(Objective.THROUGHPUT).of(List.of(fast, fastOnASlowMachine)).name())
        .isEqualTo("faster");
    assertThat(choice(Objective.LATENCY).of(List.of(fast, fastOnASlowMachine)).name())
        .isEqualTo("faster");
  }

  @Test
  void ofEquallyFastOnesTheSmallestIsBest() {
    List<Trial> trials =
        List.of(
            trial("large", 100, 0.001, 1, 0.8),
            trial("small", 50, 0.001, 2, 0.801),
            trial("smaller, but slow", 40, 0.001, 1, 1.2),
            trial("smaller, but loses too much", 30, 0.2, 1, 0.8));
    Choice choice = choice(Objective.THROUGHPUT);
    Trial chosen = choice.of(trials);
    assertThat(chosen.name()).isEqualTo("small");
    assertThat(choice.reason(chosen, trials)).contains("of 3 candidates", "2 are equally fast");
    assertThat(choice(Objective.SIZE).of(trials).name()).isEqualTo("smaller, but slow");
  }

  @Test
  void whereNothingFitsTheOneThatLosesLeastIsTaken() {
    List<Trial> trials = List.of(trial("a", 1, 0.3, 1, 0.1), trial("b", 2, 0.2, 1, 0.9));
    assertThat(choice(Objective.THROUGHPUT).of(trials).name()).isEqualTo("b");
  }

  @Test
  void aCandidateKeepsTheBudgetWhereTheEndOfItsIntervalDoes() {
    List<Trial> trials =
        List.of(
            trial("sure", 100, new Estimate(0.002, -0.001, 0.008), 0.02, 1, 1),
            trial("maybe", 50, new Estimate(0.004, -0.004, 0.013), 0.002, 1, 1));
    assertThat(choice(Objective.SIZE).of(trials).name()).isEqualTo("sure");
    assertThat(choice(Objective.SIZE).tooFew(trials)).isEmpty();
  }

  @Test
  void whereTheTextsAreTooFewToTellTheDivergenceDecides() {
    List<Trial> trials =
        List.of(
            trial("promises", 100, new Estimate(0.004, -0.02, 0.022), 0.009, 1, 1),
            trial("promises nothing", 50, new Estimate(0.004, -0.02, 0.022), 0.02, 1, 1),
            trial("loses", 10, new Estimate(0.02, 0.01, 0.03), 0.001, 1, 1));
    assertThat(choice(Objective.SIZE).of(trials).name()).isEqualTo("promises");
    // The interval must shrink from 0.018 to 0.006: three times, for which nine times the texts.
    assertThat(choice(Objective.SIZE).tooFew(trials).orElseThrow())
        .contains("400 texts", "about 3600 are needed");
  }

  @Test
  void correctedTimesKeepTheirRatioToTheOriginal() {
    Speed usual = trial("original", 100, 0, 1, 1).beside();
    Trial slow = trial("slow", 100, 0.001, 3, 0.5);
    Trial corrected = slow.corrected(usual);
    assertThat(corrected.beside().many().p50Nanos()).isCloseTo(usual.many().p50Nanos(), near());
    assertThat(corrected.speed().many().p50Nanos() / usual.many().p50Nanos())
        .isCloseTo(slow.speed().many().p50Nanos() / slow.beside().many().p50Nanos(), near());
  }

  private static org.assertj.core.data.Percentage near() {
    return org.assertj.core.data.Percentage.withPercentage(1e-6);
  }

  private static Choice choice(Objective objective) {
    return new Choice(objective, 0.01, "texts");
  }

  /**
   * A trial on a machine that was so many times as slow as usual, and a candidate that takes so
   * many times as long as the original.
   */
  private Trial trial(String name, long bytes, double loss, double machine, double relative) {
    var exact = new Estimate(loss, loss, loss);
    return trial(name, bytes, exact, loss, machine, relative);
  }

  private Trial trial(
      String name, long bytes, Estimate loss, double promised, double machine, double relative) {
    var judgement =
        new Quality.Judgement(400, loss, promised, promised, null, null, Map.of(), List.of());
    return new Trial(
        name,
        Map.of(),
        bytes,
        bytes,
        judgement,
        judgement,
        speed(machine * relative),
        speed(machine),
        null,
        null);
  }

  private Speed speed(double factor) {
    Timing timing = new Timing(random.doubles(9, 0.97e6 * factor, 1.03e6 * factor).toArray());
    return new Speed(timing, timing, timing);
  }
}
