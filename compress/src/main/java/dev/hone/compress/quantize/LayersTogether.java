package dev.hone.compress.quantize;

import dev.hone.compress.LayerSelection;
import dev.hone.model.Block;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Layers of one block that get their type together: those that read the same, and the same layer of
 * all experts.
 *
 * @param block its number
 */
record LayersTogether(int block, List<Linear> layers) {

  private enum Place {
    PROJECTIONS,
    OUTPUT,
    UP,
    DOWN
  }

  /** The chosen layers of a block. */
  static List<LayersTogether> of(int number, Block block, LayerSelection selection) {
    Map<Place, List<Linear>> byPlace = new EnumMap<>(Place.class);
    block.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            if (selection.chooses(role, layer.weight().name())) {
              byPlace.computeIfAbsent(place(role), _ -> new ArrayList<>()).add(layer);
            }
            return layer;
          }
        });
    return byPlace.values().stream().map(layers -> new LayersTogether(number, layers)).toList();
  }

  private static Place place(Role role) {
    return switch (role) {
      case QUERY, KEY, VALUE, QUERY_KEY_VALUE -> Place.PROJECTIONS;
      case ATTENTION_OUTPUT -> Place.OUTPUT;
      case FEED_FORWARD_GATE, FEED_FORWARD_UP, FEED_FORWARD_GATE_UP, ROUTER -> Place.UP;
      case FEED_FORWARD_DOWN -> Place.DOWN;
      case WORD_EMBEDDING, POSITION_EMBEDDING, TYPE_EMBEDDING, HEAD ->
          throw new IllegalStateException(role + " in a block");
    };
  }

  /** The block with other matrices in the place of this group's, in its order. */
  Block in(Block whole, List<Tensor> matrices) {
    Map<String, Tensor> byName = new HashMap<>();
    for (int i = 0; i < layers.size(); i++) {
      byName.put(layers.get(i).weight().name(), matrices.get(i));
    }
    return whole.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            Tensor matrix = byName.get(layer.weight().name());
            return matrix == null ? layer : layer.with(matrix);
          }
        });
  }
}
