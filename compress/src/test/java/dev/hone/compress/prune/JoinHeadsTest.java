package dev.hone.compress.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.Compression;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.RecipeException;
import dev.hone.compress.TinyModel;
import dev.hone.measure.Fidelity;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Widths;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JoinHeadsTest {
  private final Arena arena = Arena.ofShared();
  private final List<String> texts = TinyModel.texts(50, 2);
  @TempDir private Path folder;
  private Encoder encoder;

  @BeforeEach
  void load() {
    encoder = Encoder.load(TinyModel.in(folder), EncoderOptions.defaults());
  }

  @AfterEach
  void close() {
    encoder.close();
    arena.close();
  }

  private static JoinHeads pass(int kvHeads) {
    return new JoinHeads(kvHeads, LayerSelection.blocks());
  }

  private Transformer model() {
    return encoder.model().transformer();
  }

  private int heads() {
    return model().blocks().getFirst().attention().shape().kvHeads();
  }

  /** The model with the keys and values of every second head in place of its neighbour's. */
  private Transformer paired() {
    int dim = model().blocks().getFirst().attention().shape().headDim();
    return model()
        .map(
            new LayerMap() {
              @Override
              public Linear linear(Role role, Linear layer) {
                if (role != Role.KEY && role != Role.VALUE) {
                  return layer;
                }
                Tensor weight = paired(layer.weight().tensor(), dim);
                Tensor bias = layer.bias().tensor();
                Tensor column = paired(bias.reshape(bias.size(), 1), dim);
                return new Linear(
                    layer.weight().with(weight),
                    layer.bias().with(column.reshape(bias.size())),
                    layer.input());
              }
            });
  }

  private Tensor paired(Tensor rows, int dim) {
    float[] values = rows.toArray();
    int each = Math.toIntExact(dim * rows.cols());
    for (int at = 0; at < values.length; at += 2 * each) {
      System.arraycopy(values, at, values, at + each, each);
    }
    return Tensor.copyOf(arena, values, rows.shape());
  }

  @Test
  void headsThatAreAlikeAreJoinedWithoutLoss() {
    Transformer paired = paired();
    Transformer joined = pass(heads() / 2).apply(paired, arena).model();
    for (Widths widths : Widths.of(joined)) {
      assertThat(widths.heads()).isEqualTo(heads());
      assertThat(widths.kvHeads()).isEqualTo(heads() / 2);
    }
    try (Encoder before = encoder.with(paired);
        Encoder after = encoder.with(joined)) {
      assertThat(Fidelity.of(before.embed(texts), after.embed(texts)).minCosine())
          .isCloseTo(1, within(1e-6));
    }
    Transformer one = pass(1).apply(model(), arena).model();
    try (Encoder after = encoder.with(one)) {
      assertThat(Fidelity.of(encoder.embed(texts), after.embed(texts)).minCosine())
          .isLessThan(0.999);
    }
  }

  @Test
  void isWrittenAndReadBack() throws IOException {
    Path target = folder.resolve("joined");
    new Compression(encoder.model().source(), "tiny", Recipe.of("joined", pass(1)), target)
        .run(
            new Compression.Texts("", 0, 0),
            2,
            KernelTier.select(Optional.empty()).tier(),
            _ -> {});
    Transformer made = pass(1).apply(model(), arena).model();
    try (Encoder read = Encoder.load(target, EncoderOptions.defaults());
        Encoder here = encoder.with(made)) {
      assertThat(Widths.of(read.model().transformer())).isEqualTo(Widths.of(made));
      assertThat(read.embed(texts)).usingRecursiveComparison().isEqualTo(here.embed(texts));
    }
  }

  @Test
  void refusesWhatItCannotDo() {
    assertThatThrownBy(() -> Recipe.of("odd", pass(heads() - 1)).apply(model(), arena))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining(heads() + " heads of keys cannot be joined to " + (heads() - 1));
    assertThatThrownBy(() -> Recipe.of("all", pass(heads())).apply(model(), arena))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("no chosen block has more than");
    assertThatThrownBy(() -> JoinHeads.read("few", LayerSelection.blocks()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'few' is no number of heads");
  }
}
