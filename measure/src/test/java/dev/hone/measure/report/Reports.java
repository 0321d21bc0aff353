package dev.hone.measure.report;

import dev.hone.measure.Estimate;
import dev.hone.measure.Machine;
import dev.hone.measure.Objective;
import dev.hone.measure.Units;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Reports of many shapes, for tests and for looking at. */
final class Reports {
  private static final Machine MACHINE =
      new Machine(
          "AMD EPYC 7763", 2, 2, 25_000_000_000L, "Linux 6.8", "OpenJDK 64-Bit 25.0.1+8", "vector");

  private Reports() {}

  static Measured measured(String name, double megabytes, double textsPerSecond, double loss) {
    double millis = 1400 / textsPerSecond;
    return new Measured(
        name,
        Math.round(megabytes * 1e6),
        loss,
        Math.round(megabytes * 1.2e6),
        new Speeds.OfTexts(
            new Speeds.Latency(millis, 1.3 * millis, 0.031),
            new Speeds.Latency(9 * millis, 10.4 * millis, 0.022),
            new Speeds.Throughput(textsPerSecond, 41 * textsPerSecond, 0.018)),
        new Estimate(0.94 * loss, 0.8 * loss, 1.1 * loss),
        new Estimate(loss, 0.85 * loss, 1.2 * loss),
        1 - 6 * loss,
        1 - 2 * Math.sqrt(Math.abs(loss)),
        Map.of(),
        null);
  }

  static Report report(double budget, Measured original, int chosen, Measured... candidates) {
    return new Report(
        "minilm",
        "./hone optimize minilm --max-loss " + Units.percent(budget),
        "2026-11-23T15:04:05Z",
        MACHINE,
        "Hone's own texts",
        "1 - mean cosine to the original's embeddings",
        budget,
        Objective.THROUGHPUT,
        candidates[chosen].loss() <= budget,
        original,
        List.of(candidates),
        candidates[chosen],
        "of 7 candidates within the budget it is the fastest beyond the noise of the measurement",
        List.of(new ChangedAnswer("Neither <good> nor bad.", "negative", "negative", "positive")),
        new Sizes.OfTexts(16, 251, 64, 3012, 9),
        List.of("f16 was not possible: a weight of 70000 is more than it holds"),
        "minilm-optimized");
  }

  static Measured original() {
    return measured("original f32", 90.9, 182, 0);
  }

  static Report many() {
    return report(
        0.01,
        original(),
        4,
        measured("f16", 45.5, 178, 2.1e-8),
        measured("bf16", 45.5, 176, 3.4e-6),
        measured("int8-channel", 33.9, 231, 2.6e-4),
        measured("int8-channel + int8 embeddings", 22.9, 233, 5.1e-4),
        measured("int8-channel dynamic + int8 embeddings", 22.9, 412, 0.0031),
        measured("int8-g128 + int8 embeddings", 23.3, 229, 4.8e-4),
        measured("int4-g32-asym + int8 embeddings", 18.6, 261, 0.0282),
        measured("int4-g64-asym + int8 embeddings", 18.2, 264, 0.0384),
        measured("int4-g128-asym + int8 embeddings", 18.0, 266, 0.0471),
        measured("int4-g32 + int8 embeddings", 18.4, 270, 0.0344),
        measured("int4 attention, int8 rest", 21.4, 244, 0.0088),
        measured("int4 feed-forward, int8 rest", 19.9, 251, 0.0181));
  }

  static Report two() {
    return report(
        0.01,
        original(),
        0,
        measured("int8-channel", 22.9, 233, 5.1e-4),
        measured("int4-g32", 18.4, 270, 0.034));
  }

  static Report one() {
    return report(0.01, original(), 0, measured("int8-channel", 22.9, 233, 5.1e-4));
  }

  static Report nothingWithinBudget() {
    return report(
        0.0001,
        original(),
        0,
        measured("int8-channel", 22.9, 233, 5.1e-4),
        measured("int4-g32", 18.4, 270, 0.034),
        measured("int4-g128", 18.0, 272, 0.047));
  }

  static Measured decoder(String name, double megabytes, double tokensPerSecond, double loss) {
    Measured m = measured(name, megabytes, 1, loss);
    return new Measured(
        name,
        m.bytes(),
        loss,
        m.bytesInMemory(),
        new Speeds.OfTokens(
            new Speeds.TokenRate(tokensPerSecond, 0.031),
            new Speeds.TokenRate(20 * tokensPerSecond, 0.022),
            new Speeds.TokenRate(4 * tokensPerSecond, 0.018)),
        m.chooseLoss(),
        m.reportLoss(),
        null,
        null,
        Map.of("perplexity", new Estimate(30 * (1 + loss), 25, 35)),
        0.6);
  }

  /** Of a decoder, by the time of its tokens. */
  static Report decoders() {
    Report r = two();
    Measured chosen = decoder("q8_0", 145, 120, 0.0024);
    return new Report(
        "model-f16.gguf",
        r.command(),
        r.date(),
        r.machine(),
        r.texts(),
        r.lossMeaning(),
        0.05,
        Objective.LATENCY,
        true,
        decoder("original", 271, 60, 0),
        List.of(chosen, decoder("gptq-q4_1", 98, 150, 0.056)),
        chosen,
        r.reason(),
        List.of(),
        new Sizes.OfTokens(32, 512, 8, 5),
        List.of(),
        r.folder());
  }

  /** A task's metric may rise: a loss below nothing. Names that HTML could take for its own. */
  static Report gains() {
    return report(
        0.01,
        measured("original <b>&amp;\"f32\"</b>", 91, 300, 0),
        1,
        measured("<script>alert(1)</script>", 46, 310, -0.002),
        measured("int8", 23, 600, -0.0004),
        measured("int4", 15, 650, 0.004),
        measured("int2", 9, 640, 0.31));
  }

  static Report crowded() {
    var candidates = new ArrayList<Measured>();
    IntStream.range(0, 12)
        .forEach(
            i ->
                candidates.add(
                    measured(
                        "int8 variant " + (char) ('a' + i),
                        22.9 + 0.01 * i,
                        233 + i % 3,
                        5e-4 + 1e-6 * i)));
    return report(0.01, original(), 5, candidates.toArray(Measured[]::new));
  }
}
