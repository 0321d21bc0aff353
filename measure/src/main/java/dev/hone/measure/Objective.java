package dev.hone.measure;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** What is best among the candidates within the loss budget. */
public enum Objective {
  /** Texts a second on the mixed batch: more is better. */
  THROUGHPUT,
  /** Median time of the short text run alone: less is better. */
  LATENCY,
  /** Bytes on disk: less is better. */
  SIZE;

  /** As options and reports spell it. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
