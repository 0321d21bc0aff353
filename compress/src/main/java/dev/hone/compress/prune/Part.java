package dev.hone.compress.prune;

import dev.hone.compress.RecipeException;
import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.FeedForward;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Position;
import dev.hone.model.Projections;
import dev.hone.model.Rope;
import dev.hone.tensor.AttentionShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What units can be removed from in a block: heads from its attention, all that share keys at once,
 * or neurons from its feed-forward. A unit is some columns of the layer that reads it and some rows
 * of those that make it.
 *
 * @param reader the attention's output, or the feed-forward's down
 * @param width columns of the reader that a unit has
 * @param makers the layers whose rows make the units
 */
record Part(Kind kind, Linear reader, int width, List<Maker> makers) {

  /** Which part of a block. */
  enum Kind {
    HEADS,
    NEURONS
  }

  /** A layer whose rows make units. */
  record Maker(Linear layer, Rows rows) {}

  /** The rows that make some units, in the order in which a smaller layer has them. */
  @FunctionalInterface
  interface Rows {
    int[] of(int[] units);
  }

  /**
   * A part of a block; empty where it has no such units that could go.
   *
   * @throws RecipeException where units hang together in ways that are not supported
   */
  static Optional<Part> of(Block block, Kind kind) {
    return switch (kind) {
      case HEADS -> Optional.of(heads(block.attention()));
      case NEURONS -> neurons(block.feedForward());
    };
  }

  private static Part heads(Attention attention) {
    AttentionShape shape = attention.shape();
    int dim = shape.headDim();
    String layer = attention.output().name();
    switch (attention.position()) {
      case Position.Unknown _, Rope _ -> {}
      case Position.Buckets _ ->
          throw new RecipeException(
              layer + ": heads that share a table of distances cannot be removed");
    }
    for (Optional<Norm> norm : List.of(attention.queryNorm(), attention.keyNorm())) {
      if (norm.map(Part::length).orElse(dim) != dim) {
        throw new RecipeException(layer + ": heads whose queries share a norm cannot be removed");
      }
    }
    int group = shape.heads() / shape.kvHeads() * dim;
    int queries = shape.heads() * dim;
    int keys = shape.kvHeads() * dim;
    List<Maker> makers =
        switch (attention.projections()) {
          case Projections.Separate p ->
              List.of(
                  new Maker(p.query(), units -> ranges(units, 0, group)),
                  new Maker(p.key(), units -> ranges(units, 0, dim)),
                  new Maker(p.value(), units -> ranges(units, 0, dim)));
          case Projections.Fused p ->
              switch (p.order()) {
                case QUERIES_KEYS_VALUES ->
                    List.of(
                        new Maker(
                            p.all(),
                            units ->
                                joined(
                                    ranges(units, 0, group),
                                    ranges(units, queries, dim),
                                    ranges(units, queries + keys, dim))));
                case BY_HEAD -> List.of(new Maker(p.all(), units -> ranges(units, 0, 3 * dim)));
              };
        };
    return new Part(Kind.HEADS, attention.output(), group, makers);
  }

  static int length(Norm norm) {
    return switch (norm) {
      case Norm.LayerNorm layer -> Math.toIntExact(layer.weight().tensor().size());
      case Norm.RmsNorm rms -> Math.toIntExact(rms.weight().tensor().size());
    };
  }

  private static Optional<Part> neurons(FeedForward feedForward) {
    return switch (feedForward) {
      case FeedForward.Mlp mlp -> Optional.of(neurons(mlp.down(), List.of(mlp.up())));
      case FeedForward.Gated gated ->
          Optional.of(neurons(gated.down(), List.of(gated.gate(), gated.up())));
      case FeedForward.FusedGated gated -> {
        int all = gated.down().in();
        yield Optional.of(
            new Part(
                Kind.NEURONS,
                gated.down(),
                1,
                List.of(
                    new Maker(
                        gated.gateUp(),
                        units -> joined(ranges(units, 0, 1), ranges(units, all, 1))))));
      }
      case FeedForward.Experts _ -> Optional.empty();
    };
  }

  private static Part neurons(Linear down, List<Linear> makers) {
    List<Maker> all = new ArrayList<>();
    makers.forEach(layer -> all.add(new Maker(layer, units -> ranges(units, 0, 1))));
    return new Part(Kind.NEURONS, down, 1, all);
  }

  private static int[] ranges(int[] units, int from, int each) {
    return IntStream.of(units)
        .flatMap(u -> IntStream.range(from + u * each, from + (u + 1) * each))
        .toArray();
  }

  private static int[] joined(int[]... parts) {
    return IntStream.range(0, parts.length).flatMap(i -> IntStream.of(parts[i])).toArray();
  }

  /** Units that it has. */
  int units() {
    return reader.in() / width;
  }

  /** The reader's columns of some units. */
  int[] columns(int[] units) {
    return ranges(units, 0, width);
  }

  /** Weights of matrices that go with a unit. */
  long unitWeights() {
    long rows =
        makers.stream().mapToLong(m -> m.rows.of(new int[] {0}).length * (long) m.layer.in()).sum();
    return rows + (long) width * reader.out();
  }
}
