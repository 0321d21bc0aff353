package dev.hone.measure;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.csv.CsvFactory;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import dev.hone.model.format.FormatException;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** How a file holds a table of texts, in UTF-8. Blank lines are no rows. */
public enum TableFormat {
  /** A line a row, cells between tabs, no quoting: a {@code "} is a character. */
  TSV {
    @Override
    List<Row> rows(Path file, String text) {
      var rows = new ArrayList<Row>();
      var lines = text.lines().iterator();
      for (int line = 1; lines.hasNext(); line++) {
        String next = lines.next();
        if (!next.isBlank()) {
          rows.add(new Row(line, Arrays.asList(next.split("\t", -1))));
        }
      }
      return rows;
    }
  },
  /** Cells between commas, quoted by {@code "} where they need it: RFC 4180. */
  CSV {
    @Override
    List<Row> rows(Path file, String text) throws IOException {
      var rows = new ArrayList<Row>();
      try (CsvParser parser = CSV_CELLS.createParser(text)) {
        parser.nextToken(); // The array of all rows.
        while (parser.nextToken() == JsonToken.START_ARRAY) {
          int line = parser.currentLocation().getLineNr();
          var cells = new ArrayList<String>();
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            cells.add(parser.getText());
          }
          rows.add(new Row(line, cells));
        }
      } catch (JsonParseException e) {
        throw new FormatException(
            file
                + ":"
                + e.getLocation().getLineNr()
                + ": "
                + e.getOriginalMessage()
                + "; in CSV a cell that holds a quote is quoted, and its quotes are doubled",
            e);
      }
      return rows;
    }
  },
  /** A JSON object a line; the fields of the first one stand for a header. */
  JSONL {
    @Override
    List<Row> rows(Path file, String text) {
      var rows = new ArrayList<Row>();
      var header = new ArrayList<String>();
      var lines = text.lines().iterator();
      for (int line = 1; lines.hasNext(); line++) {
        String next = lines.next();
        if (next.isBlank()) {
          continue;
        }
        ObjectNode object = object(file, line, next);
        if (rows.isEmpty()) {
          object.fieldNames().forEachRemaining(header::add);
          rows.add(new Row(line, header));
        }
        rows.add(new Row(line, header.stream().map(name -> cell(object.get(name))).toList()));
      }
      return rows;
    }
  };

  /**
   * One row of a table.
   *
   * @param line where it starts in the file, counted from 1
   * @param cells an empty one where the file has none
   */
  record Row(int line, List<String> cells) {}

  private static final long MAX_BYTES = 1L << 30;
  private static final JsonMapper JSON = new JsonMapper();
  private static final CsvFactory CSV_CELLS =
      CsvFactory.builder()
          .enable(CsvParser.Feature.WRAP_AS_ARRAY)
          .enable(CsvParser.Feature.SKIP_EMPTY_LINES)
          .build();

  /** The format that a file's name ends on. */
  public static TableFormat of(Path file) {
    String name = file.getFileName().toString();
    return switch (name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT)) {
      case "tsv" -> TSV;
      case "csv" -> CSV;
      case "jsonl", "ndjson" -> JSONL;
      default ->
          throw new FormatException(
              file + ": the name must end on .tsv, .csv or .jsonl to tell what the file holds");
    };
  }

  /** All rows of a file; a header, where there is one, is the first. */
  List<Row> read(Path file) {
    try {
      long bytes = Files.size(file);
      if (bytes > MAX_BYTES) {
        throw new FormatException(
            file + " is " + bytes + " bytes, more than the " + MAX_BYTES + " of a table; split it");
      }
      String text = Files.readString(file);
      List<Row> rows = rows(file, text.startsWith("\uFEFF") ? text.substring(1) : text);
      if (rows.isEmpty()) {
        throw new FormatException(file + " holds no rows");
      }
      return rows;
    } catch (NoSuchFileException e) {
      throw new FormatException(file + " is missing", e);
    } catch (MalformedInputException e) {
      throw new FormatException(file + " is not UTF-8; convert it, as with iconv -t UTF-8", e);
    } catch (IOException e) {
      throw new FormatException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  abstract List<Row> rows(Path file, String text) throws IOException;

  private static ObjectNode object(Path file, int line, String json) {
    try {
      if (JSON.readTree(json) instanceof ObjectNode object) {
        return object;
      }
      throw new FormatException(file + ":" + line + ": a line must hold one JSON object");
    } catch (JacksonException e) {
      throw new FormatException(
          file
              + ":"
              + line
              + ": not JSON: "
              + e.getOriginalMessage()
              + "; every line must hold one JSON object",
          e);
    }
  }

  private static String cell(JsonNode value) {
    return value == null || value.isNull() ? "" : value.asText();
  }
}
