package dev.hone.measure.report;

import dev.hone.measure.Speed;
import dev.hone.measure.Timing;
import dev.hone.measure.Workload;

/** How fast a model is, in the units that its users count in. */
public sealed interface Speeds {

  /** Of an encoder. */
  record OfTexts(Latency shortText, Latency longText, Throughput batch) implements Speeds {}

  /**
   * Of a decoder.
   *
   * @param generation of one sequence
   * @param prompt that is read
   * @param batch of several sequences that go on together
   */
  record OfTokens(TokenRate generation, TokenRate prompt, TokenRate batch) implements Speeds {}

  /** Time of one text run alone; the noise is the spread of a round relative to the median. */
  record Latency(double p50Millis, double p95Millis, double noise) {
    static Latency of(Timing timing) {
      return new Latency(timing.p50Nanos() / 1e6, timing.p95Nanos() / 1e6, timing.noise());
    }
  }

  /** Speed on the mixed batch; the noise is the spread of a round relative to the median. */
  record Throughput(double textsPerSecond, double tokensPerSecond, double noise) {}

  /** Tokens of all sequences; the noise is the spread of a round relative to the median. */
  record TokenRate(double tokensPerSecond, double noise) {
    static TokenRate of(Timing timing, int tokens) {
      return new TokenRate(tokens * 1e9 / timing.p50Nanos(), timing.noise());
    }
  }

  /** What was measured on a workload. */
  static Speeds of(Speed speed, Workload workload) {
    return switch (workload) {
      case Workload.OfTexts texts ->
          new OfTexts(
              Latency.of(speed.one()),
              Latency.of(speed.large()),
              new Throughput(
                  texts.textsPerSecond(speed), texts.tokensPerSecond(speed), speed.many().noise()));
      case Workload.OfTokens tokens ->
          new OfTokens(
              TokenRate.of(speed.one(), tokens.generated()),
              TokenRate.of(speed.large(), tokens.prompt()),
              TokenRate.of(speed.many(), tokens.sequences() * tokens.generated()));
    };
  }
}
