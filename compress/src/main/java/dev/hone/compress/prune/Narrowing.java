package dev.hone.compress.prune;

import dev.hone.model.Block;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Weight;
import dev.hone.model.Widths;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Takes units out of a block: what is left is dense, and smaller. */
final class Narrowing {
  private Narrowing() {}

  /**
   * The block with some units of a part.
   *
   * @param kept units that stay
   * @param made the reader as it was reconstructed, or null: its own columns
   */
  static Block of(Block block, Part part, int[] kept, Reconstruction.Made made, Arena arena) {
    Map<String, Linear> layers = new HashMap<>();
    for (Part.Maker maker : part.makers()) {
      Linear layer = maker.layer();
      int[] rows = maker.rows().of(kept);
      Weight bias = layer.bias();
      layers.put(
          layer.weight().name(),
          new Linear(
              layer.weight().with(rows(layer.weight(), rows, arena)),
              bias == null ? null : bias.with(entries(bias.tensor(), rows, arena)),
              layer.input()));
    }
    Linear reader = part.reader();
    layers.put(reader.weight().name(), reader(reader, part.columns(kept), made, arena));
    return Widths.fitted(
        block.map(
            new LayerMap() {
              @Override
              public Linear linear(Role role, Linear layer) {
                return layers.getOrDefault(layer.weight().name(), layer);
              }
            }));
  }

  private static Linear reader(
      Linear reader, int[] columns, Reconstruction.Made made, Arena arena) {
    Tensor from = reader.weight().tensor();
    Tensor to = Tensor.allocate(arena, plain(reader.weight()), from.rows(), columns.length);
    float[] row = new float[Math.toIntExact(from.cols())];
    for (int r = 0; r < from.rows(); r++) {
      float[] kept;
      if (made == null) {
        Layouts.decode(from, r, row);
        kept = new float[columns.length];
        for (int c = 0; c < kept.length; c++) {
          kept[c] = row[columns[c]];
        }
      } else {
        kept = Arrays.copyOfRange(made.weights(), r * columns.length, (r + 1) * columns.length);
      }
      Layouts.encode(kept, to, r);
    }
    Weight bias = reader.bias();
    if (made != null && made.bias() != null) {
      bias = bias.with(Tensor.copyOf(arena, made.bias(), made.bias().length));
    }
    Input input =
        reader.input() instanceof StaticInt8 grid
            ? grid.with(grid.factors().some(columns))
            : reader.input();
    return new Linear(reader.weight().with(to), bias, input);
  }

  private static Tensor rows(Weight weight, int[] rows, Arena arena) {
    Tensor from = weight.tensor();
    Tensor to = Tensor.allocate(arena, plain(weight), rows.length, from.cols());
    for (int r = 0; r < rows.length; r++) {
      MemorySegment.copy(from.row(rows[r]), 0, to.row(r), 0, to.row(r).byteSize());
    }
    return to;
  }

  private static Tensor entries(Tensor vector, int[] at, Arena arena) {
    float[] all = vector.toArray();
    float[] some = new float[at.length];
    for (int i = 0; i < at.length; i++) {
      some[i] = all[at[i]];
    }
    return Tensor.copyOf(arena, some, some.length);
  }

  private static Plain plain(Weight weight) {
    return (Plain) weight.tensor().dtype();
  }
}
