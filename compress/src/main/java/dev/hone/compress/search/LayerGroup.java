package dev.hone.compress.search;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Embedding;
import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Layers that get their format together: what attention reads (queries, keys and values share one),
 * its output, and the way into and out of the feed-forward of every block; the embedding tables; a
 * decoder's output matrix, where it is not the word table.
 *
 * @param weights names of the matrices
 */
record LayerGroup(String name, Set<String> weights) {
  /** Of models with more blocks, attention and feed-forward are a group each. */
  private static final int FINE_BLOCKS = 12;

  static List<LayerGroup> of(Transformer model) {
    List<LayerGroup> groups = new ArrayList<>();
    for (int b = 0; b < model.blocks().size(); b++) {
      Block block = model.blocks().get(b);
      Attention attention = block.attention();
      List<Linear> forward = block.feedForward().layers();
      if (model.blocks().size() > FINE_BLOCKS) {
        groups.add(
            group(
                "attention." + b,
                Stream.concat(
                        attention.projections().layers().stream(), Stream.of(attention.output()))
                    .toList()));
        groups.add(group("feed-forward." + b, forward));
      } else {
        groups.add(group("attention-in." + b, attention.projections().layers()));
        groups.add(group("attention-out." + b, List.of(attention.output())));
        groups.add(group("feed-forward-in." + b, forward.subList(0, forward.size() - 1)));
        groups.add(group("feed-forward-out." + b, List.of(forward.getLast())));
      }
    }
    Set<String> tables = new LinkedHashSet<>();
    model.map(
        new LayerMap() {
          @Override
          public Embedding embedding(Role role, Embedding table) {
            tables.add(table.weight().name());
            return table;
          }
        });
    groups.add(new LayerGroup("embeddings", tables));
    if (model.head() instanceof Head.NextToken next && next.out().isPresent()) {
      groups.add(group("output", List.of(next.out().get())));
    }
    return groups;
  }

  private static LayerGroup group(String name, List<Linear> layers) {
    Set<String> weights = new LinkedHashSet<>();
    layers.forEach(layer -> weights.add(layer.weight().name()));
    return new LayerGroup(name, weights);
  }
}
