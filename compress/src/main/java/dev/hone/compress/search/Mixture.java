package dev.hone.compress.search;

import dev.hone.model.Embedding;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Versions of one model, each encoded once, of which any mixture takes the layers of every group
 * from one: a search asks for hundreds.
 */
final class Mixture {
  /** What a group is called that stays as it was. */
  static final String ORIGINAL = "original";

  private final Transformer original;
  private final List<LayerGroup> groups;
  private final Map<String, Version> versions = new LinkedHashMap<>();

  private record Version(Map<String, Linear> layers, Map<String, Embedding> tables) {
    Tensor tensor(String weight) {
      return layers.containsKey(weight)
          ? layers.get(weight).weight().tensor()
          : tables.get(weight).weight().tensor();
    }

    boolean same(Version other, String weight) {
      if (!same(tensor(weight), other.tensor(weight))) {
        return false;
      }
      Linear a = layers.get(weight);
      Linear b = other.layers.get(weight);
      return a == null
          || a.input().equals(b.input())
              && (a.bias() == null || same(a.bias().tensor(), b.bias().tensor()));
    }

    boolean same(Version other, LayerGroup group) {
      return group.weights().stream().allMatch(weight -> same(other, weight));
    }

    private static boolean same(Tensor a, Tensor b) {
      return a.dtype().equals(b.dtype()) && a.data().mismatch(b.data()) == -1;
    }

    /** Names of all that it holds: matrices, tables and biases. */
    Set<String> names() {
      Set<String> names = new HashSet<>(layers.keySet());
      names.addAll(tables.keySet());
      layers.values().stream()
          .filter(layer -> layer.bias() != null)
          .forEach(layer -> names.add(layer.bias().name()));
      return names;
    }
  }

  Mixture(Transformer original) {
    this.original = original;
    this.groups = LayerGroup.of(original);
    versions.put(ORIGINAL, version(original));
  }

  List<LayerGroup> groups() {
    return groups;
  }

  /**
   * Adds a version, where all that is not as in the original are layers and tables of the same
   * shape.
   *
   * @return whether it was added
   */
  boolean add(String name, Transformer encoded) {
    List<Weight> before = original.weights();
    List<Weight> after = encoded.weights();
    Set<String> layers = versions.get(ORIGINAL).names();
    boolean layersAlone = before.size() == after.size();
    for (int i = 0; layersAlone && i < before.size(); i++) {
      Tensor a = before.get(i).tensor();
      Tensor b = after.get(i).tensor();
      layersAlone =
          a == b
              || layers.contains(before.get(i).name())
                  && a.rank() == b.rank()
                  && a.rows() == b.rows()
                  && a.cols() == b.cols();
    }
    if (layersAlone) {
      versions.put(name, version(encoded));
    }
    return layersAlone;
  }

  /** Names of all versions. */
  Set<String> versions() {
    return versions.keySet();
  }

  /** The versions that a group may be taken from, the original first; of equal ones the first. */
  List<String> choices(LayerGroup group) {
    List<String> different = new ArrayList<>();
    versions.forEach(
        (name, version) -> {
          boolean known =
              different.stream().map(versions::get).anyMatch(o -> version.same(o, group));
          if (!known) {
            different.add(name);
          }
        });
    return different;
  }

  /** The version that a mixture is, where all its groups are as in one. */
  Optional<String> version(Map<String, String> assignment) {
    return versions.keySet().stream()
        .filter(
            name ->
                groups.stream()
                    .allMatch(
                        group ->
                            versions
                                .get(name)
                                .same(versions.get(assignment.get(group.name())), group)))
        .findFirst();
  }

  /** Bytes of a group's matrices. */
  long bytes(LayerGroup group, String version) {
    return group.weights().stream()
        .mapToLong(w -> versions.get(version).tensor(w).sizeBytes())
        .sum();
  }

  /**
   * A mixture.
   *
   * @param assignment name of a version by name of the group; the rest stays as it was
   */
  Transformer of(Map<String, String> assignment) {
    Map<String, Version> byWeight = new HashMap<>();
    for (LayerGroup group : groups) {
      Version version = versions.get(assignment.getOrDefault(group.name(), ORIGINAL));
      group.weights().forEach(weight -> byWeight.put(weight, version));
    }
    return original.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            Version version = byWeight.get(layer.weight().name());
            return version == null ? layer : version.layers.get(layer.weight().name());
          }

          @Override
          public Embedding embedding(Role role, Embedding table) {
            Version version = byWeight.get(table.weight().name());
            return version == null ? table : version.tables.get(table.weight().name());
          }
        });
  }

  private static Version version(Transformer model) {
    var version = new Version(new HashMap<>(), new HashMap<>());
    model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            version.layers.put(layer.weight().name(), layer);
            return layer;
          }

          @Override
          public Embedding embedding(Role role, Embedding table) {
            version.tables.put(table.weight().name(), table);
            return table;
          }
        });
    return version;
  }
}
