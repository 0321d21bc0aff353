package dev.hone.compress.prune;

import dev.hone.compress.Foreseen;
import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.RecipeException;
import dev.hone.compress.RecipeFields;
import dev.hone.compress.calibrate.BlockWalk;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.Journal;
import dev.hone.model.Block;
import dev.hone.model.Blocks;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Removes whole layers: what is left is a model with fewer blocks, which every program reads that
 * reads the original. Layers that no config could describe without another stay, such as
 * ModernBERT's first.
 *
 * @param amount of all layers: a share, a count, or by similarity those of less influence than a
 *     threshold
 * @param layers whose blocks may go: those whose attention's output it chooses
 */
public record RemoveLayers(Amount amount, Order by, LayerSelection layers) implements Pass {
  /** What recipes call the pass. */
  public static final String NAME = "remove-layers";

  /** What recipes say of it beside how many. */
  public static final Set<String> FIELDS = Set.of("by");

  /** What says which layers matter least. */
  public enum Order {
    /**
     * Block Influence: 1 less the cosine of what a layer reads and what it answers, a mean over all
     * tokens. Men et al., "ShortGPT: Layers in Large Language Models are More Redundant Than You
     * Expect", section 2.3.
     */
    SIMILARITY,
    /** One after the other, the one without which the model's answers change least. */
    ANSWERS;

    /** What recipes and commands call it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The one of that name.
     *
     * @throws IllegalArgumentException where there is none
     */
    public static Order of(String label) {
      return Arrays.stream(values())
          .filter(o -> o.label().equals(label))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "layers are chosen by similarity or answers, not by " + label));
    }
  }

  public RemoveLayers {
    if (by == Order.ANSWERS && amount instanceof Amount.Below) {
      throw new IllegalArgumentException(
          amount.label() + " is an influence, by similarity: by answers a share or a count");
    }
  }

  /** The pass as recipes write it: {@code remove-layers: 25%}, {@code by: similarity}. */
  public static RemoveLayers read(String amount, RecipeFields fields, LayerSelection layers) {
    return new RemoveLayers(
        Amount.of(amount), Order.of(fields.text("by", Order.SIMILARITY.label())), layers);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String argument() {
    return amount.label();
  }

  @Override
  public Map<String, Object> fields() {
    return Map.of("by", by.label());
  }

  @Override
  public void foresee(Foreseen model) {
    model.requireTexts(NAME);
    count(model.model(), candidates(model.model()));
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    List<Integer> gone =
        switch (by) {
          case SIMILARITY -> leastInfluence(model, calibration);
          case ANSWERS -> leastMissed(model, calibration);
        };
    List<Integer> kept = places(model).filter(i -> !gone.contains(i)).boxed().toList();
    List<LayerChange> changes = new ArrayList<>();
    for (int i : gone.stream().sorted().toList()) {
      changes.addAll(LayerChange.removed(model.blocks().get(i)));
    }
    return new Outcome(of(model, kept), changes);
  }

  private static IntStream places(Transformer model) {
    return IntStream.range(0, model.blocks().size());
  }

  private List<Integer> leastInfluence(Transformer model, Calibration calibration) {
    List<Integer> candidates = candidates(model);
    int count = count(model, candidates);
    double[] influences = influences(model, calibration);
    return candidates.stream()
        .filter(i -> !(amount instanceof Amount.Below(double least)) || influences[i] < least)
        .sorted(Comparator.comparingDouble(i -> influences[i]))
        .limit(count)
        .toList();
  }

  /**
   * The influence of every layer on what comes to it, as {@link Order#SIMILARITY} has it: 0 where
   * it changes no direction.
   */
  public static double[] influences(Transformer model, Calibration calibration) {
    List<Double> influences = new ArrayList<>();
    new BlockWalk(calibration)
        .look(
            model,
            Journal.NONE,
            (block, texts, _) -> {
              double[] sum = new double[1];
              texts.run(block, (x, y) -> sum[0] += turn(x, y, calibration.pool()));
              influences.add(sum[0] / calibration.tokens());
              return block;
            });
    return influences.stream().mapToDouble(d -> d).toArray();
  }

  /** The sum over tokens of 1 less the cosine. */
  private static double turn(Tensor x, Tensor y, ComputePool pool) {
    double[] turns = new double[Math.toIntExact(x.rows())];
    pool.run(
        turns.length,
        row -> {
          double xx = 0;
          double yy = 0;
          double xy = 0;
          long at = row * x.cols() * Float.BYTES;
          for (long end = at + x.cols() * Float.BYTES; at < end; at += Float.BYTES) {
            double a = x.data().get(Tensor.FLOAT, at);
            double b = y.data().get(Tensor.FLOAT, at);
            xx += a * a;
            yy += b * b;
            xy += a * b;
          }
          turns[row] = xx == 0 && yy == 0 ? 0 : 1 - xy / Math.sqrt(xx * yy);
        });
    return Arrays.stream(turns).sum();
  }

  private List<Integer> leastMissed(Transformer model, Calibration calibration) {
    var change = new AnswerChange(model, calibration);
    List<Integer> candidates = new ArrayList<>(candidates(model));
    List<Integer> gone = new ArrayList<>();
    for (int left = count(model, candidates); left > 0; left--) {
      int best = -1;
      double least = Double.POSITIVE_INFINITY;
      for (int candidate : candidates) {
        List<Block> blocks =
            places(model)
                .filter(i -> i != candidate && !gone.contains(i))
                .mapToObj(model.blocks()::get)
                .toList();
        double changed = change.of(model.with(blocks));
        if (best < 0 || changed < least) {
          best = candidate;
          least = changed;
        }
      }
      gone.add(best);
      candidates.remove(Integer.valueOf(best));
    }
    return gone;
  }

  /** How many go, or of a threshold may go. */
  private int count(Transformer model, List<Integer> candidates) {
    int all = model.blocks().size();
    if (amount instanceof Amount.Below) {
      return all - 1;
    }
    long count = amount.of((long) all);
    if (count > candidates.size()) {
      throw new RecipeException(
          count
              + " of "
              + all
              + " layers are to go: "
              + candidates.size()
              + " are chosen that can");
    }
    return Math.toIntExact(count);
  }

  /** Layers that are chosen, and without which there is still such a model. */
  private List<Integer> candidates(Transformer model) {
    List<Integer> candidates = new ArrayList<>();
    String reason = "none is chosen";
    for (int i = 0; i < model.blocks().size(); i++) {
      int one = i;
      String output = model.blocks().get(i).attention().output().weight().name();
      if (layers.chooses(Role.ATTENTION_OUTPUT, output)) {
        try {
          Blocks.of(model, places(model).filter(p -> p != one).boxed().toList());
          candidates.add(i);
        } catch (IllegalArgumentException e) {
          reason = e.getMessage();
        }
      }
    }
    if (candidates.isEmpty()) {
      throw new RecipeException("no layer can go: " + reason);
    }
    return candidates;
  }

  private static Transformer of(Transformer model, List<Integer> kept) {
    try {
      return Blocks.of(model, kept);
    } catch (IllegalArgumentException e) {
      throw new RecipeException(e.getMessage() + "; choose others (except)", e);
    }
  }
}
