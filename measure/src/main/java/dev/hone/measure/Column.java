package dev.hone.measure;

import java.util.List;

/**
 * Where a task's data file has one of its columns.
 *
 * @param names looked for in the file's first row, in this order
 * @param position counted from 1, for files without a header; 0: only files with a header will do
 */
public record Column(List<String> names, int position) {

  public Column {
    names = names == null ? List.of() : List.copyOf(names);
    if (position < 0) {
      throw new IllegalArgumentException("position=" + position + ": columns count from 1");
    }
  }

  boolean named(List<String> header) {
    return names.stream().anyMatch(header::contains);
  }

  /** Index of the first name that the header has; -1 if none. */
  int in(List<String> header) {
    return names.stream().mapToInt(header::indexOf).filter(i -> i >= 0).findFirst().orElse(-1);
  }

  @Override
  public String toString() {
    return names.isEmpty() ? "column " + position : String.join("|", names);
  }
}
