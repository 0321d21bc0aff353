package dev.hone.model;

import dev.hone.tensor.AttentionShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A model of some of another's blocks. The names of a block's weights say where it stands, as the 3
 * of {@code encoder.layer.3.output.dense.weight}: it is given its new place there.
 */
public final class Blocks {
  private static final Pattern NUMBER = Pattern.compile("(?<=[./])\\d+(?=\\.)");

  private Blocks() {}

  /**
   * The model of these blocks.
   *
   * @param chosen places of the blocks, in their new order
   * @throws IllegalArgumentException where a block would come to a place that the architecture has
   *     another kind for, as where the first alone has no norm: no config could say so
   */
  public static Transformer of(Transformer model, List<Integer> chosen) {
    List<Block> blocks = new ArrayList<>();
    for (int to = 0; to < chosen.size(); to++) {
      int from = chosen.get(to);
      Block block = model.blocks().get(from);
      Kind there = Kind.of(model.blocks().get(Math.min(to, model.blocks().size() - 1)));
      if (!Kind.of(block).equals(there)) {
        throw new IllegalArgumentException(
            "layer "
                + from
                + " cannot come to the place of layer "
                + to
                + ", where this architecture has "
                + there
                + ", not "
                + Kind.of(block));
      }
      blocks.add(renamed(block, from, to));
    }
    return model.with(blocks);
  }

  /** A block whose weights are named as those of another place. */
  private static Block renamed(Block block, int from, int to) {
    return block.map(
        (WeightMap)
            weight -> {
              // The first number is the block's; an expert's stands behind it.
              Matcher number = NUMBER.matcher(weight.name());
              if (!number.find() || !number.group().equals(Integer.toString(from))) {
                throw new IllegalStateException(
                    weight.name() + " does not say that it belongs to layer " + from);
              }
              String name =
                  weight.name().substring(0, number.start())
                      + to
                      + weight.name().substring(number.end());
              return new Weight(name, weight.tensor(), weight.transposed());
            });
  }

  /**
   * What an architecture may have otherwise from layer to layer without its config listing it, as
   * it does windows with their positions, and widths.
   */
  private record Kind(List<Boolean> norms, String feedForward, float scale) {

    static Kind of(Block block) {
      AttentionShape shape = block.attention().shape();
      return new Kind(
          Stream.of(block.attentionNorms(), block.feedForwardNorms())
              .flatMap(n -> Stream.of(n.input(), n.output(), n.sum()))
              .map(Optional::isPresent)
              .toList(),
          block.feedForward().getClass().getSimpleName(),
          shape.scale());
    }

    @Override
    public String toString() {
      return "norms " + norms + ", feed-forward " + feedForward + ", scale of scores " + scale;
    }
  }
}
