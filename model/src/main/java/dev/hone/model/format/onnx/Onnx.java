package dev.hone.model.format.onnx;

import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.onnx.Values.Stored;
import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;

/**
 * The weights of an ONNX file. The file is mapped, and most tensors are views of the mapping; those
 * that the exporter transposed are transposed back into the arena when first asked for.
 *
 * <p>An ONNX file is one protobuf message; its schema is {@code onnx.proto} of the ONNX
 * specification:
 *
 * <pre>
 *   ModelProto
 *     graph: GraphProto
 *       node: NodeProto            op_type, the names of its inputs and outputs
 *       ...
 *       initializer: TensorProto   name, dims, data_type, raw_data (or the place in another file)
 *       ...
 * </pre>
 */
public final class Onnx implements Checkpoint {
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final int TILE = 32;

  private final String source;
  private final SortedMap<String, Stored> names;
  private final ExternalFiles files;
  private final long fileBytes;
  private final Arena arena;
  private final Map<String, Tensor> tensors = new HashMap<>();

  private Onnx(
      String source,
      SortedMap<String, Stored> names,
      ExternalFiles files,
      long fileBytes,
      Arena arena) {
    this.source = source;
    this.names = names;
    this.files = files;
    this.fileBytes = fileBytes;
    this.arena = arena;
  }

  /**
   * Maps a file, and the files beside it that hold its larger tensors, for as long as the arena
   * lives.
   *
   * @throws FormatException where the file is damaged, quantized by others, or has weights whose
   *     names are lost
   */
  public static Onnx open(Path file, Arena arena) {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MemorySegment bytes = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
      return of(file.toString(), bytes, file.toAbsolutePath().getParent(), arena);
    } catch (NoSuchFileException e) {
      throw new FormatException(file + " is missing", e);
    } catch (IOException e) {
      throw new FormatException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Reads a file that is in memory already. */
  static Onnx of(String source, MemorySegment file, Path folder, Arena arena) {
    return new Onnx(
        source,
        WeightNames.trace(source, GraphProto.read(source, file)),
        new ExternalFiles(folder, arena),
        file.byteSize(),
        arena);
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public long fileBytes() {
    return fileBytes + files.mappedBytes();
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(names.keySet());
  }

  @Override
  public synchronized Tensor tensor(String name) {
    Stored stored = names.get(name);
    if (stored == null) {
      throw new FormatException(source + " has no tensor " + name);
    }
    return tensors.computeIfAbsent(name, n -> read(stored));
  }

  @Override
  public Input input(String layer) {
    Stored weight = names.get(layer + ".weight");
    if (weight == null) {
      return Input.FLOAT;
    }
    return weight.factors() != null && weight.input() instanceof StaticInt8 grid
        ? grid.with(factors(weight))
        : weight.input();
  }

  private ColumnFactors factors(Stored weight) {
    TensorProto stored = weight.factors();
    long cols = weight.tensor().dim(weight.transposed() ? 0 : 1);
    if (stored.dtype() != Plain.F32 || stored.rank() != 1 || stored.dim(0) != cols) {
      throw new FormatException(
          source + ": tensor " + stored + ": factors of columns must be F32 [" + cols + "]");
    }
    try {
      MemorySegment numbers = stored.data(arena, files);
      return ColumnFactors.of(Tensor.of(Plain.F32, numbers, cols).toArray());
    } catch (IllegalArgumentException e) {
      throw new FormatException(source + ": tensor " + stored + ": " + e.getMessage(), e);
    }
  }

  private Tensor read(Stored stored) {
    if (stored.grids() != null) {
      return stored.grids().tensor(stored, arena, files);
    }
    Plain dtype = stored.tensor().dtype();
    MemorySegment data = stored.tensor().data(arena, files);
    long[] shape = stored.tensor().shape();
    if (!stored.transposed()) {
      return Tensor.of(dtype, data, shape);
    }
    Tensor transposed = Tensor.allocate(arena, dtype, shape[1], shape[0]);
    transpose(data, transposed.data(), shape[0], shape[1], dtype.bytes());
    return transposed;
  }

  /** Copies {@code from [rows, cols]} to {@code to [cols, rows]}. */
  static void transpose(MemorySegment from, MemorySegment to, long rows, long cols, int bytes) {
    // In tiles that stay in the cache, or each number would cost a miss.
    for (long top = 0; top < rows; top += TILE) {
      for (long left = 0; left < cols; left += TILE) {
        long bottom = Math.min(top + TILE, rows);
        long right = Math.min(left + TILE, cols);
        for (long col = left; col < right; col++) {
          for (long row = top; row < bottom; row++) {
            long source = (row * cols + col) * bytes;
            long target = (col * rows + row) * bytes;
            switch (bytes) {
              case 4 -> to.set(INT, target, from.get(INT, source));
              case 2 -> to.set(SHORT, target, from.get(SHORT, source));
              default -> MemorySegment.copy(from, source, to, target, bytes);
            }
          }
        }
      }
    }
  }
}
