package dev.hone.compress.search;

import dev.hone.compress.LayerKind;
import dev.hone.model.Attention;
import dev.hone.model.Linear;
import dev.hone.model.Transformer;
import java.util.List;
import java.util.stream.Stream;

/** The layers of one kind in one block, which get their type together. */
record LayerGroup(LayerKind kind, List<Linear> layers) {

  /** Attention and feed-forward of every block. */
  static List<LayerGroup> of(Transformer model) {
    return model.blocks().stream()
        .flatMap(
            block ->
                Stream.of(
                    new LayerGroup(LayerKind.ATTENTION, layers(block.attention())),
                    new LayerGroup(LayerKind.FEED_FORWARD, block.feedForward().layers())))
        .toList();
  }

  private static List<Linear> layers(Attention a) {
    return Stream.concat(a.projections().layers().stream(), Stream.of(a.output())).toList();
  }

  /** Names of the weights. */
  List<String> names() {
    return layers.stream().map(l -> l.weight().name()).toList();
  }

  /** Whether every matrix has rows of whole groups of so many columns. */
  boolean divisibleBy(int columns) {
    return layers.stream().allMatch(l -> l.in() % columns == 0);
  }
}
