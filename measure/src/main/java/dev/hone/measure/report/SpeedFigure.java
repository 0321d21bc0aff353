package dev.hone.measure.report;

import dev.hone.measure.Objective;
import dev.hone.measure.Units;
import java.util.List;

/**
 * One figure of {@link Speeds} as a report shows it: how many a second, beside the noise of a
 * round, or a median time, beside its 95th percentile.
 *
 * @param value a rate, or milliseconds
 * @param note the noise, or the other percentile in milliseconds
 */
record SpeedFigure(Words words, double value, double note) {

  /** What the figures are called. */
  enum Words {
    TEXTS("texts/s", "texts/s", "Texts/s", "Speed, texts a second", "texts a second, mixed batch"),
    SHORT_TEXT(
        null, "short p50", "Short text", "Latency of a short text", "median time of a short text"),
    LONG_TEXT(
        null, "long p50", "Long text", "Latency of a long text", "median time of a long text"),
    GENERATION(
        "tokens/s",
        "tokens/s",
        "Tokens/s",
        "Tokens a second, one sequence",
        "tokens a second, one sequence"),
    PROMPT(
        "tokens/s", "prompt", "Of a prompt", "Tokens a second, prompt", "tokens a second, prompt"),
    TOGETHER(
        "tokens/s",
        "together",
        "Of sequences together",
        "Tokens a second, sequences together",
        "tokens a second, sequences together");

    /** Null: a time. */
    private final String unit;

    final String header;
    final String column;
    final String tile;
    final String axis;

    Words(String unit, String header, String column, String tile, String axis) {
      this.unit = unit;
      this.header = header;
      this.column = column;
      this.tile = tile;
      this.axis = axis;
    }

    boolean lessIsBetter() {
      return unit == null;
    }

    /** Of the note, in a terminal's table. */
    String noteHeader() {
      return lessIsBetter() ? "p95" : "noise";
    }

    /** As it stands on an axis. */
    String tick(double value) {
      if (!lessIsBetter()) {
        return Units.count(value);
      }
      return value == 0 ? "0" : Units.millis(value).replace(".00 ", " ");
    }
  }

  /** What a model does together, then one, then the large one. */
  static List<SpeedFigure> of(Speeds speeds) {
    return switch (speeds) {
      case Speeds.OfTexts texts ->
          List.of(
              new SpeedFigure(Words.TEXTS, texts.batch().textsPerSecond(), texts.batch().noise()),
              of(Words.SHORT_TEXT, texts.shortText()),
              of(Words.LONG_TEXT, texts.longText()));
      case Speeds.OfTokens tokens ->
          List.of(
              of(Words.TOGETHER, tokens.batch()),
              of(Words.GENERATION, tokens.generation()),
              of(Words.PROMPT, tokens.prompt()));
    };
  }

  /** What tells which of two models is faster where this is wanted. */
  static SpeedFigure of(Speeds speeds, Objective objective) {
    return of(speeds).get(objective == Objective.LATENCY ? 1 : 0);
  }

  /** What is said where there is room for one figure: of texts always how many a second. */
  static SpeedFigure headline(Speeds speeds, Objective objective) {
    return switch (speeds) {
      case Speeds.OfTexts texts -> of(texts).getFirst();
      case Speeds.OfTokens tokens -> of(tokens, objective);
    };
  }

  private static SpeedFigure of(Words words, Speeds.Latency latency) {
    return new SpeedFigure(words, latency.p50Millis(), latency.p95Millis());
  }

  private static SpeedFigure of(Words words, Speeds.TokenRate rate) {
    return new SpeedFigure(words, rate.tokensPerSecond(), rate.noise());
  }

  /** How many times as fast as another model. */
  double times(SpeedFigure other) {
    return words.lessIsBetter() ? other.value / value : value / other.value;
  }

  @Override
  public String toString() {
    return words.lessIsBetter() ? Units.millis(value) : Units.rate(value);
  }

  /** With its unit. */
  String withUnit() {
    return words.lessIsBetter() ? toString() : this + " " + words.unit;
  }

  /** In a terminal's table, under its own header. */
  String plainNote() {
    return words.lessIsBetter() ? Units.millis(note) : "+-" + Units.percent(note);
  }

  /** In small type below the figure. */
  String smallNote() {
    return words.lessIsBetter() ? "p95 " + Units.millis(note) : "\u00b1 " + Units.percent(note);
  }
}
