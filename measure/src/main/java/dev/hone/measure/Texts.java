package dev.hone.measure;

import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** Hone's own texts, which models are measured on when no others are given. */
public final class Texts {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS).build();

  private Texts() {}

  /** What a text is for: nothing that chose a candidate may also judge it. */
  public enum Part {
    CHOOSE,
    REPORT
  }

  /** A line of {@code texts.jsonl}. */
  record Line(String text, String kind, String language, Part part) {}

  /** One half of the texts, in the order of the file. */
  public static List<String> of(Part part) {
    return lines().stream().filter(line -> line.part() == part).map(Line::text).toList();
  }

  static List<Line> lines() {
    try (InputStream in = Texts.class.getResourceAsStream("texts.jsonl");
        MappingIterator<Line> lines = JSON.readerFor(Line.class).readValues(in)) {
      return lines.readAll(new ArrayList<>());
    } catch (IOException e) {
      throw new UncheckedIOException("texts.jsonl of this build is broken", e);
    }
  }
}
