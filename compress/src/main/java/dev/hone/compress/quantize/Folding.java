package dev.hone.compress.quantize;

import dev.hone.compress.Foreseen;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.RecipeException;
import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.FeedForward;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Projections;
import dev.hone.model.Role;
import dev.hone.model.Weight;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A place in a block where the columns that some layers read can be scaled without a change of what
 * the block answers: what makes the columns divides them, the layers multiply.
 *
 * @param readers layers that read the columns
 * @param norm what makes them, or null
 * @param maker the layer whose rows make them, where it is no norm
 */
record Folding(List<Linear> readers, Norm norm, Linear maker) {

  /**
   * The places of a block: norms before attention and feed-forward, values before the output where
   * every head has its own, and the ungated half of a gated feed-forward. Norms behind a residual
   * connection feed that, too, and experts share a norm with their router: they are no such places.
   */
  static List<Folding> of(Block block) {
    List<Folding> all = new ArrayList<>();
    Optional<Norm> first = block.attentionNorms().input();
    Optional<Norm> second = block.feedForwardNorms().input();
    boolean shared = first.isPresent() && first.equals(second);
    Attention attention = block.attention();
    if (first.isPresent() && !shared) {
      all.add(new Folding(attention.projections().layers(), first.get(), null));
    }
    if (attention.projections() instanceof Projections.Separate p
        && p.value().out() == attention.output().in()) {
      all.add(new Folding(List.of(attention.output()), null, p.value()));
    }
    List<Linear> reading =
        switch (block.feedForward()) {
          case FeedForward.Mlp mlp -> List.of(mlp.up());
          case FeedForward.Gated gated -> List.of(gated.gate(), gated.up());
          case FeedForward.FusedGated gated -> List.of(gated.gateUp());
          case FeedForward.Experts _ -> List.of();
        };
    if (second.isPresent() && !shared && !reading.isEmpty()) {
      all.add(new Folding(reading, second.get(), null));
    }
    if (block.feedForward() instanceof FeedForward.Gated gated) {
      all.add(new Folding(List.of(gated.down()), null, gated.up()));
    }
    return all;
  }

  /**
   * Makes sure that all chosen places of a model can be scaled.
   *
   * @param pass that scales them
   */
  static void foresee(Foreseen model, LayerSelection layers, String pass) {
    for (Block block : model.model().blocks()) {
      Set<String> chosen = layers.names(block);
      for (Folding place : of(block)) {
        if (place.readersAreIn(chosen)) {
          place.readers().forEach(layer -> requireReader(model.layer(layer), pass));
          if (place.maker() != null) {
            requireFloats(model.layer(place.maker()), pass);
          }
        }
      }
    }
  }

  private static void requireReader(Foreseen.Layer layer, String pass) {
    requireFloats(layer, pass);
    if (layer.input() instanceof StaticInt8) {
      throw new RecipeException(
          layer.name()
              + " reads "
              + layer.input().label()
              + ", whose grid fits columns as they are: put "
              + pass
              + " before it");
    }
  }

  private static void requireFloats(Foreseen.Layer layer, String pass) {
    layer.ofFloats(pass + " scales weights before they are quantized; put it before encode");
  }

  /**
   * The same block with scaled columns, in F32.
   *
   * @param scales what readers multiply each column by
   */
  Block apply(Block block, float[] scales, Arena arena) {
    float[] inverse = new float[scales.length];
    for (int i = 0; i < scales.length; i++) {
      inverse[i] = 1 / scales[i];
    }
    return block.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            Linear made = layer;
            if (reads(layer)) {
              made = made.with(scaled(made.weight().tensor(), null, scales, arena));
            }
            if (maker != null && maker.weight().name().equals(layer.weight().name())) {
              Tensor rows = scaled(made.weight().tensor(), inverse, null, arena);
              made =
                  new Linear(
                      made.weight().with(rows), vector(made.bias(), inverse, arena), made.input());
            }
            return made;
          }

          @Override
          public Norm norm(Norm other) {
            return norm != null && other.equals(norm) ? divided(other, inverse, arena) : other;
          }
        });
  }

  /** Whether all readers' weights are among these. */
  boolean readersAreIn(Set<String> names) {
    return readers.stream().allMatch(layer -> names.contains(layer.weight().name()));
  }

  private boolean reads(Linear layer) {
    return readers.stream().anyMatch(r -> r.weight().name().equals(layer.weight().name()));
  }

  private static Norm divided(Norm norm, float[] inverse, Arena arena) {
    return switch (norm) {
      case Norm.LayerNorm layer ->
          new Norm.LayerNorm(
              vector(layer.weight(), inverse, arena),
              vector(layer.bias(), inverse, arena),
              layer.epsilon());
      case Norm.RmsNorm rms -> {
        float[] weight = rms.weight().tensor().toArray();
        for (int i = 0; i < weight.length; i++) {
          weight[i] = (weight[i] + rms.shift()) * inverse[i] - rms.shift();
        }
        Tensor made = Tensor.copyOf(arena, weight, weight.length);
        yield new Norm.RmsNorm(rms.weight().with(made), rms.shift(), rms.epsilon());
      }
    };
  }

  private static Weight vector(Weight weight, float[] factors, Arena arena) {
    if (weight == null) {
      return null;
    }
    float[] values = weight.tensor().toArray();
    for (int i = 0; i < values.length; i++) {
      values[i] *= factors[i];
    }
    return weight.with(Tensor.copyOf(arena, values, values.length));
  }

  /** Rows and columns of a matrix multiplied; either may be null. */
  static Tensor scaled(Tensor matrix, float[] rows, float[] cols, Arena arena) {
    Tensor made = Tensor.allocate(arena, Plain.F32, matrix.rows(), matrix.cols());
    float[] row = new float[Math.toIntExact(matrix.cols())];
    for (int r = 0; r < matrix.rows(); r++) {
      Layouts.decode(matrix, r, row);
      for (int c = 0; c < row.length; c++) {
        row[c] *= (rows == null ? 1 : rows[r]) * (cols == null ? 1 : cols[c]);
      }
      MemorySegment.copy(row, 0, made.row(r), Tensor.FLOAT, 0, row.length);
    }
    return made;
  }
}
