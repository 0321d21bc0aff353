package dev.hone.compress.search;

import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.Recipe;
import dev.hone.compress.quantize.Encode;
import dev.hone.tensor.DType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * Stores as many groups of layers as a loss budget allows in a small type and the rest in a wider
 * one.
 *
 * <p>The loss of every group is measured with that group alone in the small type; groups then enter
 * in the order of their loss. How many may enter is found by bisection over measured losses,
 * because losses of several groups do not add up.
 */
final class BlockSearch {
  private final DType small;
  private final DType wide;
  private final DType embedding;
  private final ToDoubleFunction<List<LayerGroup>> loss;

  /**
   * @param embedding type of the embedding tables
   * @param loss measures the model with these groups in the small type on the texts to choose by
   */
  BlockSearch(DType small, DType wide, DType embedding, ToDoubleFunction<List<LayerGroup>> loss) {
    this.small = small;
    this.wide = wide;
    this.embedding = embedding;
    this.loss = loss;
  }

  /**
   * Searches.
   *
   * @param name of the recipe
   * @return the recipe within the budget that has most groups in the small type; empty where none
   *     or all fit, which are no mixture
   */
  Optional<Recipe> find(String name, List<LayerGroup> groups, double maxLoss) {
    Map<LayerGroup, Double> sensitivity = new LinkedHashMap<>();
    for (LayerGroup group : groups) {
      sensitivity.put(group, loss.applyAsDouble(List.of(group)));
    }
    List<LayerGroup> ordered =
        groups.stream().sorted(Comparator.comparingDouble(sensitivity::get)).toList();
    int fits = 0;
    int tooMany = ordered.size() + 1;
    while (tooMany - fits > 1) {
      int middle = (fits + tooMany) / 2;
      if (loss.applyAsDouble(ordered.subList(0, middle)) <= maxLoss) {
        fits = middle;
      } else {
        tooMany = middle;
      }
    }
    return fits == 0 || fits == ordered.size()
        ? Optional.empty()
        : Optional.of(recipe(name, ordered.subList(0, fits)));
  }

  private Recipe recipe(String name, List<LayerGroup> lowered) {
    List<Pass> passes = new ArrayList<>();
    for (LayerKind kind : List.of(LayerKind.ATTENTION, LayerKind.FEED_FORWARD)) {
      List<String> names =
          lowered.stream().filter(g -> g.kind() == kind).flatMap(g -> g.names().stream()).toList();
      if (!names.isEmpty()) {
        passes.add(new Encode(small, LayerSelection.of(kind).named(names)));
      }
      passes.add(new Encode(wide, new LayerSelection(Set.of(kind), List.of(), names)));
    }
    passes.add(new Encode(embedding, LayerSelection.of(LayerKind.EMBEDDING)));
    return new Recipe(name, passes);
  }
}
