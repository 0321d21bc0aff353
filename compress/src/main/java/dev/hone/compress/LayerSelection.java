package dev.hone.compress;

import dev.hone.model.Block;
import dev.hone.model.Embedding;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Which layers a pass touches: those of the kinds whose names match one of {@code names} (all,
 * where there are none) and none of {@code except}. In a pattern {@code *} stands for any
 * characters.
 */
public record LayerSelection(Set<LayerKind> kinds, List<String> names, List<String> except) {

  public LayerSelection {
    kinds = Collections.unmodifiableSet(EnumSet.copyOf(kinds)); // reads alike in every JVM
    names = List.copyOf(names);
    except = List.copyOf(except);
  }

  /** Attention and feed-forward: the matrices in which a Transformer spends its time. */
  public static LayerSelection blocks() {
    return of(LayerKind.ATTENTION, LayerKind.FEED_FORWARD);
  }

  /** All layers of the given kinds. */
  public static LayerSelection of(LayerKind first, LayerKind... more) {
    return new LayerSelection(EnumSet.of(first, more), List.of(), List.of());
  }

  /** The layers of the given kinds whose names match a pattern. */
  public LayerSelection named(List<String> patterns) {
    return new LayerSelection(kinds, patterns, except);
  }

  /** The same layers but those of a kind. */
  public LayerSelection without(LayerKind kind) {
    Set<LayerKind> others = EnumSet.copyOf(kinds);
    others.remove(kind);
    return new LayerSelection(others, names, except);
  }

  /**
   * Makes sure that there is something to choose in a model, and by every one of {@code names}.
   *
   * @throws RecipeException where there is not
   */
  void required(Transformer model) {
    Set<String> all = new TreeSet<>(); // of the kinds
    model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            add(role, layer.weight().name());
            return layer;
          }

          @Override
          public Embedding embedding(Role role, Embedding table) {
            add(role, table.weight().name());
            return table;
          }

          private void add(Role role, String name) {
            if (kinds.contains(LayerKind.of(role))) {
              all.add(name);
            }
          }
        });
    if (all.isEmpty()) {
      throw new RecipeException("kinds: the model has no layers of " + kinds);
    }
    for (String pattern : names) {
      if (all.stream().noneMatch(name -> matches(pattern, name))) {
        throw new RecipeException(
            "names: no layer of the kinds "
                + kinds
                + " is called "
                + pattern
                + "; there is, for one, "
                + all.iterator().next());
      }
    }
  }

  /** Whether the pass touches the weight of that name. */
  public boolean chooses(Role role, String name) {
    return kinds.contains(LayerKind.of(role))
        && (names.isEmpty() || names.stream().anyMatch(p -> matches(p, name)))
        && except.stream().noneMatch(p -> matches(p, name));
  }

  /** The weights of a block's matrices that the pass touches. */
  public Set<String> names(Block block) {
    Set<String> chosen = new HashSet<>();
    block.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            if (chooses(role, layer.weight().name())) {
              chosen.add(layer.weight().name());
            }
            return layer;
          }
        });
    return chosen;
  }

  private static boolean matches(String pattern, String name) {
    var regex = new StringBuilder();
    for (String literal : pattern.split("\\*", -1)) {
      regex.append(regex.isEmpty() ? "" : ".*").append(Pattern.quote(literal));
    }
    return name.matches(regex.toString());
  }
}
