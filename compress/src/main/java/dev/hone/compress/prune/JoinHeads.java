package dev.hone.compress.prune;

import dev.hone.compress.Foreseen;
import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.RecipeException;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Projections;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.Widths;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Joins neighbouring heads of keys and values: several queries then share one, and a KV cache is as
 * many times smaller. A joined head is the mean of its parts. Ainslie et al., "GQA: Training
 * Generalized Multi-Query Transformer Models from Multi-Head Checkpoints", section 2.1; it is meant
 * to be followed by training.
 *
 * @param kvHeads that every chosen block has then; 1: multi-query attention
 */
public record JoinHeads(int kvHeads, LayerSelection layers) implements Pass {
  /** What recipes call the pass. */
  public static final String NAME = "join-heads";

  public JoinHeads {
    if (kvHeads < 1) {
      throw new IllegalArgumentException("heads=" + kvHeads + ": at least 1 stays");
    }
  }

  /** The pass as recipes write it: {@code join-heads: 4}. */
  public static JoinHeads read(String kvHeads, LayerSelection layers) {
    if (!kvHeads.matches("[1-9]\\d{0,5}")) {
      throw new IllegalArgumentException(
          "'" + kvHeads + "' is no number of heads of keys, such as 4");
    }
    return new JoinHeads(Integer.parseInt(kvHeads), layers);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String argument() {
    return Integer.toString(kvHeads);
  }

  @Override
  public void foresee(Foreseen model) {
    Set<Integer> left = new HashSet<>();
    boolean any = false;
    for (Block block : model.model().blocks()) {
      boolean joins = joins(block);
      any |= joins;
      left.add(joins ? kvHeads : block.attention().shape().kvHeads());
      if (joins) {
        keysAndValues(block.attention())
            .forEach(layer -> model.layer(layer).ofFloats(Prune.FLOATS));
        if (model.keepsWidths()) {
          require(block.attention());
        }
      }
    }
    if (!any && model.keepsWidths()) {
      throw new RecipeException("no chosen block has more than " + kvHeads + " of them");
    }
    if (model.model().head() instanceof Head.NextToken && left.size() > 1) {
      throw new RecipeException(
          "a decoder has as many in every block, as its cache wants it: choose all blocks");
    }
    model.narrow();
  }

  /** Refuses heads that cannot be joined. */
  private void require(Attention attention) {
    String output = attention.output().name();
    int heads = attention.shape().kvHeads();
    if (heads % kvHeads != 0) {
      throw new RecipeException(
          output + ": " + heads + " heads of keys cannot be joined to " + kvHeads + " alike");
    }
    int dim = attention.shape().headDim();
    if (attention.keyNorm().map(Part::length).orElse(dim) != dim) {
      throw new RecipeException(output + ": heads whose keys share a norm cannot be joined");
    }
    if (attention.projections() instanceof Projections.Fused p
        && p.order() == Projections.Order.BY_HEAD) {
      throw new RecipeException(
          output + ": heads whose query, key and value stand together share no keys");
    }
  }

  private static List<Linear> keysAndValues(Attention attention) {
    return switch (attention.projections()) {
      case Projections.Separate p -> List.of(p.key(), p.value());
      case Projections.Fused p -> List.of(p.all());
    };
  }

  private boolean joins(Block block) {
    Attention attention = block.attention();
    return layers.chooses(Role.ATTENTION_OUTPUT, attention.output().name())
        && attention.shape().kvHeads() != kvHeads;
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    Transformer joined =
        model.with(model.blocks().stream().map(b -> joins(b) ? joined(b, arena) : b).toList());
    return new Outcome(joined, LayerChange.between(model, joined));
  }

  private Block joined(Block block, Arena arena) {
    Attention attention = block.attention();
    int dim = attention.shape().headDim();
    int group = attention.shape().kvHeads() / kvHeads;
    Map<String, Linear> changed = new HashMap<>();
    switch (attention.projections()) {
      case Projections.Separate p -> {
        changed.put(p.key().name(), joined(p.key(), 0, group, dim, arena));
        changed.put(p.value().name(), joined(p.value(), 0, group, dim, arena));
      }
      case Projections.Fused p ->
          changed.put(
              p.all().name(), joined(p.all(), attention.shape().heads() * dim, group, dim, arena));
    }
    return Widths.fitted(
        block.map(
            new LayerMap() {
              @Override
              public Linear linear(Role role, Linear layer) {
                return changed.getOrDefault(layer.name(), layer);
              }
            }));
  }

  /**
   * A layer with its heads joined.
   *
   * @param first row of the first of them; those before it stay
   * @param group heads that become one
   * @param dim rows of a head
   */
  private static Linear joined(Linear layer, int first, int group, int dim, Arena arena) {
    Tensor weight = means(layer.weight().tensor(), first, group, dim, arena);
    Weight bias = layer.bias();
    if (bias != null) {
      Tensor column = bias.tensor().reshape(bias.tensor().size(), 1);
      bias = bias.with(means(column, first, group, dim, arena).reshape(weight.rows()));
    }
    return new Linear(layer.weight().with(weight), bias, layer.input());
  }

  private static Tensor means(Tensor from, int first, int group, int dim, Arena arena) {
    int cols = Math.toIntExact(from.cols());
    long rows = first + (from.rows() - first) / group;
    Tensor means = Tensor.allocate(arena, from.dtype(), rows, cols);
    float[] row = new float[cols];
    for (int r = 0; r < rows; r++) {
      float[] mean = new float[cols];
      if (r < first) {
        Layouts.decode(from, r, mean);
      } else {
        int head = (r - first) / dim * group;
        for (int h = head; h < head + group; h++) {
          Layouts.decode(from, first + h * dim + (r - first) % dim, row);
          for (int c = 0; c < cols; c++) {
            mean[c] += row[c] / group;
          }
        }
      }
      Layouts.encode(mean, means, r);
    }
    return means;
  }
}
