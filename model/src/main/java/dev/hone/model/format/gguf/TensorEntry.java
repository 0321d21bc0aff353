package dev.hone.model.format.gguf;

import java.util.Arrays;

/**
 * A tensor's place in a file.
 *
 * @param shape row-major, the reverse of the file's order
 * @param offset bytes from the start of the file's data
 * @param bytes that it takes
 */
public record TensorEntry(String name, GgufType type, long[] shape, long offset, long bytes) {
  @Override
  public String toString() {
    return name + " " + type + Arrays.toString(shape);
  }
}
