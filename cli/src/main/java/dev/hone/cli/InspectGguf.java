package dev.hone.cli;

import dev.hone.measure.TextTable;
import dev.hone.measure.Units;
import dev.hone.model.format.gguf.Gguf;
import dev.hone.model.format.gguf.MetadataValue;
import dev.hone.model.format.gguf.TensorEntry;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What a GGUF file says of itself: its keys, its tensors and their types, whether or not Hone can
 * run the model.
 */
record InspectGguf(Gguf file) {
  private static final int LONGEST = 80;

  /** A tensor as JSON has it. */
  record Stored(String name, String type, long[] shape, long bytes) {
    static Stored of(TensorEntry entry) {
      return new Stored(entry.name(), entry.type().name(), entry.shape(), entry.bytes());
    }
  }

  Map<String, Object> json(boolean tensors) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("files", file.files().size());
    json.put("fileBytes", file.fileBytes());
    json.put("tensors", file.tensors().size());
    json.put("bytesByType", bytesByType());
    Map<String, String> metadata = new LinkedHashMap<>();
    file.metadata().values().forEach((key, value) -> metadata.put(key, shown(value)));
    json.put("metadata", metadata);
    if (tensors) {
      json.put("weights", file.tensors().stream().map(Stored::of).toList());
    }
    return json;
  }

  void print(Terminal terminal, String name, boolean tensors) {
    terminal
        .out()
        .println(
            name
                + ": GGUF, "
                + file.tensors().size()
                + " tensors, "
                + Units.bytes(file.fileBytes())
                + " on disk"
                + (file.files().size() == 1 ? "" : " in " + file.files().size() + " files"));
    terminal
        .out()
        .println(
            "tensors by type: "
                + bytesByType().entrySet().stream()
                    .map(type -> type.getKey() + " " + Units.bytes(type.getValue()))
                    .collect(Collectors.joining(", ")));
    var keys = new TextTable(List.of("key", "kind", "value"), "lll");
    file.metadata()
        .values()
        .forEach((key, value) -> keys.row(key, value.kind().name(), shown(value)));
    terminal.out().println();
    terminal.out().println(keys);
    if (tensors) {
      var table = new TextTable(List.of("tensor", "type", "shape", "bytes"), "lllr");
      for (TensorEntry entry : file.tensors()) {
        table.row(
            entry.name(),
            entry.type().name(),
            Arrays.toString(entry.shape()),
            Units.bytes(entry.bytes()));
      }
      terminal.out().println();
      terminal.out().println(table);
    }
  }

  private Map<String, Long> bytesByType() {
    return file.tensors().stream()
        .collect(
            Collectors.groupingBy(
                entry -> entry.type().name(),
                TreeMap::new,
                Collectors.summingLong(TensorEntry::bytes)));
  }

  /** On one line, and not the whole of a chat template. */
  private static String shown(MetadataValue value) {
    String line = value.toString().replace("\n", "\\n").replace("\r", "\\r");
    line =
        line.codePoints()
            .filter(c -> !Character.isISOControl(c))
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    return line.length() <= LONGEST
        ? line
        : line.substring(0, line.offsetByCodePoints(0, LONGEST - 3)) + "...";
  }
}
