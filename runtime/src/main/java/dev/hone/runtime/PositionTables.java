package dev.hone.runtime;

import dev.hone.model.Position;
import dev.hone.model.Rope;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * What positions mean to attention, as its kernels read it: made once, for one thread at a time.
 */
final class PositionTables implements AutoCloseable {
  private static final int LEAST_POSITIONS = 256;

  private final Map<Rope, Turns> turns = new HashMap<>();
  private final IdentityHashMap<Tensor, Tensor> biases = new IdentityHashMap<>();
  private final Arena arena = Arena.ofShared();

  /** A table that is replaced when a further position is asked for. */
  private record Turns(Tensor table, Arena arena) {}

  /** Cosines and sines of at least the positions that are asked for: [position, dims]. */
  Tensor turns(Rope rope, int[] positions) {
    int most = 0;
    for (int position : positions) {
      most = Math.max(most, position);
    }
    Turns known = turns.get(rope);
    if (known != null && most < known.table.rows()) {
      return known.table;
    }
    long rows = Math.max(LEAST_POSITIONS, Long.highestOneBit(most) * 2);
    Arena own = Arena.ofShared();
    Tensor table = Tensor.allocate(own, Plain.F32, rows, rope.dims());
    fill(rope, table);
    turns.put(rope, new Turns(table, own));
    if (known != null) {
      known.arena.close();
    }
    return table;
  }

  private static void fill(Rope rope, Tensor table) {
    double[] frequencies = rope.frequencies();
    double amplitude = rope.amplitude();
    int half = frequencies.length;
    for (int position = 0; position < table.rows(); position++) {
      for (int i = 0; i < half; i++) {
        double angle = position * frequencies[i];
        long at = ((long) position * 2 * half + i) * Float.BYTES;
        table.data().set(Tensor.FLOAT, at, (float) (amplitude * Math.cos(angle)));
        table.data().set(Tensor.FLOAT, at + 4L * half, (float) (amplitude * Math.sin(angle)));
      }
    }
  }

  /** The bias of every head by distance: [head, 2 * furthest + 1]. */
  Tensor biases(Position.Buckets buckets) {
    return biases.computeIfAbsent(
        buckets.weight().tensor(),
        weight -> {
          int furthest = buckets.furthest();
          Tensor table = Tensor.allocate(arena, Plain.F32, weight.cols(), 2L * furthest + 1);
          float[] row = new float[Math.toIntExact(weight.cols())];
          for (int distance = -furthest; distance <= furthest; distance++) {
            Layouts.decode(weight, buckets.of(distance), row);
            for (int head = 0; head < row.length; head++) {
              long at = head * table.cols() + furthest + distance;
              table.data().set(Tensor.FLOAT, at * Float.BYTES, row[head]);
            }
          }
          return table;
        });
  }

  long sizeBytes() {
    return turns.values().stream().mapToLong(t -> t.table.sizeBytes()).sum()
        + biases.values().stream().mapToLong(Tensor::sizeBytes).sum();
  }

  @Override
  public void close() {
    turns.values().forEach(t -> t.arena.close());
    arena.close();
  }
}
