package dev.hone.compress.search;

import dev.hone.compress.Recipe;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Two versions of one model, each encoded once, of which any mixture shares the layers: a search
 * asks for dozens, and encoding takes as long as asking a few texts.
 */
final class Mixture {
  private final Transformer small;
  private final Map<String, Linear> wide = new HashMap<>();

  /**
   * Encodes both versions.
   *
   * @param arena memory of their weights
   */
  Mixture(Transformer model, Recipe small, Recipe wide, Arena arena) {
    this.small = small.apply(model, arena).model();
    wide.apply(model, arena)
        .model()
        .map(
            new LayerMap() {
              @Override
              public Linear linear(Role role, Linear layer) {
                Mixture.this.wide.put(layer.weight().name(), layer);
                return layer;
              }
            });
  }

  /** The small version of these groups; of every other layer the wide one. */
  Transformer of(List<LayerGroup> lowered) {
    Set<String> names = new HashSet<>();
    lowered.forEach(group -> names.addAll(group.names()));
    return small.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            String name = layer.weight().name();
            return names.contains(name) ? layer : wide.get(name);
          }
        });
  }
}
