package dev.hone.model.format.gguf;

import dev.hone.model.format.FormatException;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model in GGUF: one file, or several that together hold its tensors ({@code
 * name-00001-of-00003.gguf} and so on, each saying {@code split.no} of {@code split.count}), of
 * which the first has the metadata. Tensors have llama.cpp's names and places.
 */
public final class Gguf {
  private static final Pattern PART = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");
  private static final String SPLIT_COUNT = "split.count";
  private static final String SPLIT_NUMBER = "split.no";
  private static final String SPLIT_TENSORS = "split.tensors.count";

  private final String source;
  private final List<GgufFile> files;
  private final Map<String, GgufFile> places;

  private Gguf(String source, List<GgufFile> files) {
    this.source = source;
    this.files = files;
    Map<String, GgufFile> found = new LinkedHashMap<>();
    for (GgufFile file : files) {
      for (String name : file.tensors().keySet()) {
        GgufFile other = found.put(name, file);
        if (other != null) {
          throw new FormatException(
              file.source() + ": tensor=" + name + " is in " + other.source() + " too");
        }
      }
    }
    places = Collections.unmodifiableMap(found);
  }

  /** Maps a file, and where it is one of several all of them, for as long as the arena lives. */
  public static Gguf open(Path file, Arena arena) {
    Matcher part = PART.matcher(String.valueOf(file.getFileName()));
    int named = part.matches() ? Integer.parseInt(part.group(3)) : 1;
    GgufFile first = GgufFile.open(named == 1 ? file : part(file, part, 1), arena);
    int count = first.metadata().integer(SPLIT_COUNT, 0, GgufLimits.PARTS, 1);
    if (count <= 1 && named <= 1) {
      return new Gguf(file.toString(), List.of(first));
    }
    if (count != named) {
      throw new FormatException(
          first.source()
              + ": "
              + SPLIT_COUNT
              + "="
              + count
              + ", but the name says "
              + named
              + "; files of a split model keep the names they were given");
    }
    List<GgufFile> files = new ArrayList<>(List.of(first));
    for (int number = 2; number <= count; number++) {
      files.add(GgufFile.open(part(file, part, number), arena));
    }
    Gguf model = new Gguf(file.toString(), List.copyOf(files));
    model.checkParts();
    return model;
  }

  /** A model that is in memory already. */
  public static Gguf of(GgufFile file) {
    return new Gguf(file.source(), List.of(file));
  }

  private static Path part(Path file, Matcher name, int number) {
    return file.resolveSibling(
        "%s-%05d-of-%s.gguf".formatted(name.group(1), number, name.group(3)));
  }

  private void checkParts() {
    for (int i = 0; i < files.size(); i++) {
      Metadata metadata = files.get(i).metadata();
      if (metadata.integer(SPLIT_COUNT, 0, GgufLimits.PARTS) != files.size()
          || metadata.integer(SPLIT_NUMBER, 0, GgufLimits.PARTS) != i) {
        throw metadata.wrong(
            SPLIT_NUMBER, i + " of " + SPLIT_COUNT + "=" + files.size() + ", as the name says");
      }
    }
    Metadata first = metadata();
    if (first.has(SPLIT_TENSORS)
        && first.integer(SPLIT_TENSORS, 0, Integer.MAX_VALUE) != places.size()) {
      throw first.wrong(
          SPLIT_TENSORS, places.size() + ", the tensors that all files have together");
    }
  }

  /** What messages call it. */
  public String source() {
    return source;
  }

  /** The keys of the model, of several files those of the first. */
  public Metadata metadata() {
    return files.getFirst().metadata();
  }

  /** Every file. */
  public List<GgufFile> files() {
    return files;
  }

  /** Bytes of all files. */
  public long fileBytes() {
    return files.stream().mapToLong(GgufFile::fileBytes).sum();
  }

  /** Places of all tensors, in the order of the files. */
  public List<TensorEntry> tensors() {
    return places.entrySet().stream()
        .map(place -> place.getValue().tensors().get(place.getKey()))
        .toList();
  }

  public boolean has(String name) {
    return places.containsKey(name);
  }

  /**
   * The tensor under llama.cpp's name.
   *
   * @throws FormatException where there is none, or none of a type that runs
   */
  public Tensor tensor(String name) {
    GgufFile file = places.get(name);
    if (file == null) {
      throw new FormatException(source + " has no tensor " + name);
    }
    return file.tensor(name);
  }
}
