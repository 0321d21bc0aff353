package dev.hone.compress.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.Provenance;
import dev.hone.compress.Recipe;
import dev.hone.compress.RecipeException;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.prune.RemoveLayers.Order;
import dev.hone.model.Batch;
import dev.hone.model.Block;
import dev.hone.model.Blocks;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.runtime.Engine;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RemoveLayersTest {
  private static final Path GOLDENS =
      Path.of(
          System.getProperty("hone.root"), "measure/src/test/resources/dev/hone/measure/goldens");
  private static final Path SHARED = Path.of(System.getProperty("hone.shared"), "goldens");

  private final ComputePool pool = new ComputePool(2);
  private final Kernels kernels = KernelTier.select(Optional.empty()).tier().create(pool);
  private final Arena arena = Arena.ofShared();
  @TempDir private Path folder;

  @AfterEach
  void close() {
    pool.close();
    arena.close();
  }

  private static Batch batch() {
    var random = new Random(3);
    return Batch.of(
        IntStream.of(5, 17, 40)
            .mapToObj(n -> IntStream.range(0, n).map(_ -> random.nextInt(100)).toArray())
            .toList());
  }

  private Calibration calibration() {
    return new Calibration(List.of(batch()), kernels, pool, _ -> {}, _ -> {}, Optional.empty());
  }

  private float[][] hidden(Transformer model) {
    try (var engine = new Engine(model, kernels)) {
      return engine.hidden(batch());
    }
  }

  private static RemoveLayers pass(String amount, Order by) {
    return new RemoveLayers(Amount.of(amount), by, LayerSelection.blocks());
  }

  /** A model whose layer adds nothing to what comes to it. */
  private Transformer idle(Transformer model, int layer) {
    LayerMap idle =
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear linear) {
            boolean adds = role == Role.ATTENTION_OUTPUT || role == Role.FEED_FORWARD_DOWN;
            return adds
                ? new Linear(zeros(linear.weight()), zeros(linear.bias()), linear.input())
                : linear;
          }
        };
    List<Block> blocks = new ArrayList<>(model.blocks());
    blocks.set(layer, blocks.get(layer).map(idle));
    return model.with(blocks);
  }

  private Weight zeros(Weight weight) {
    return weight == null
        ? null
        : weight.with(Tensor.allocate(arena, weight.tensor().dtype(), weight.tensor().shape()));
  }

  @ParameterizedTest
  @CsvSource({"llama, SIMILARITY", "llama, ANSWERS", "gpt2, SIMILARITY", "gpt2, ANSWERS"})
  void aLayerThatDoesNothingGoesFirst(String architecture, Order by) {
    try (Model read = Model.load(GOLDENS.resolve(architecture))) {
      for (int layer = 0; layer < read.transformer().blocks().size(); layer++) {
        Transformer model = idle(read.transformer(), layer);
        assertThat(RemoveLayers.influences(model, calibration())[layer]).isCloseTo(0, within(1e-9));
        Pass.Outcome outcome = pass("1", by).apply(model, calibration(), arena);
        assertThat(outcome.model().blocks()).hasSize(model.blocks().size() - 1);
        assertThat(hidden(outcome.model())).isDeepEqualTo(hidden(model));
        assertThat(outcome.changes()).isNotEmpty();
        String gone = "." + layer + ".";
        assertThat(outcome.changes())
            .allSatisfy(change -> assertThat(change.layer()).contains(gone))
            .extracting(LayerChange::to)
            .containsOnly(LayerChange.REMOVED);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "gpt2"})
  void isWrittenAndReadBack(String architecture) throws IOException {
    try (Model read = Model.load(GOLDENS.resolve(architecture))) {
      staysWhatItIs(read, pass("2", Order.ANSWERS).apply(read.transformer(), calibration(), arena));
    }
  }

  private void staysWhatItIs(Model read, Pass.Outcome outcome) throws IOException {
    Path target = folder.resolve("shallow");
    ModelWriter.write(read, outcome.model(), Provenance.of("a golden"), target);
    try (Model again = Model.load(target)) {
      assertThat(again.unused()).isEmpty();
      assertThat(again.transformer().weights())
          .extracting(Weight::name)
          .isEqualTo(outcome.model().weights().stream().map(Weight::name).toList());
      assertThat(hidden(again.transformer())).isDeepEqualTo(hidden(outcome.model()));
    }
  }

  /** Windows and positions that alternate come along. */
  @Tag("shared")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "bert", "distilbert", "roberta", "mpnet", "modernbert", "gpt-neox", "llama3-rope",
            "mistral",
        "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "olmo2", "mixtral", "qwen3-moe"
      })
  void everyArchitectureIsWrittenAndReadBack(String architecture) throws IOException {
    try (Model read = Model.load(SHARED.resolve(architecture))) {
      Transformer model = read.transformer();
      for (int layer = 1; layer < model.blocks().size(); layer++) {
        int one = layer;
        List<Integer> kept =
            IntStream.range(0, model.blocks().size()).filter(i -> i != one).boxed().toList();
        staysWhatItIs(read, new Pass.Outcome(Blocks.of(model, kept), List.of()));
      }
    }
  }

  /** ModernBERT's first has no norm before attention, which no config can say of another. */
  @Tag("shared")
  @Test
  void whatOthersCannotReplaceStays() {
    try (Model read = Model.load(SHARED.resolve("modernbert"))) {
      Transformer model = read.transformer();
      assertThatThrownBy(() -> Blocks.of(model, List.of(1, 2, 3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("layer 1 cannot come to the place of layer 0");
      Transformer first = idle(model, 0);
      Pass.Outcome outcome = pass("3", Order.SIMILARITY).apply(first, calibration(), arena);
      assertThat(outcome.changes())
          .extracting(LayerChange::layer)
          .noneMatch(name -> name.contains(".0."));
      assertThatThrownBy(() -> pass("4", Order.SIMILARITY).apply(model, calibration(), arena))
          .isInstanceOf(RecipeException.class)
          .hasMessageContaining("something must be left");
    }
  }

  @Test
  void takesSharesAndThresholds() {
    try (Model read = Model.load(GOLDENS.resolve("llama"))) {
      Transformer model = idle(read.transformer(), 1);
      double[] influences = RemoveLayers.influences(model, calibration());
      double least = Math.min(influences[0], influences[2]);
      Transformer made =
          pass("below:" + least, Order.SIMILARITY).apply(model, calibration(), arena).model();
      assertThat(made.blocks()).hasSize(2);
      made = pass("below:3", Order.SIMILARITY).apply(model, calibration(), arena).model();
      assertThat(made.blocks()).as("one stays").hasSize(1);
      made = pass("66%", Order.SIMILARITY).apply(model, calibration(), arena).model();
      assertThat(made.blocks()).hasSize(1);
    }
  }

  @Test
  void refusesWhatItCannotDo() {
    try (Model read = Model.load(GOLDENS.resolve("llama"))) {
      Transformer model = read.transformer();
      Recipe blind = Recipe.of("blind", pass("1", Order.SIMILARITY));
      assertThatThrownBy(() -> blind.apply(model, arena))
          .isInstanceOf(RecipeException.class)
          .hasMessageContaining("remove-layers is calibrated");
      assertThatThrownBy(() -> pass("below:0.1", Order.ANSWERS))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("by answers a share or a count");
      LayerSelection last = LayerSelection.blocks().named(List.of("*.2.*"));
      assertThatThrownBy(
              () ->
                  new RemoveLayers(Amount.of("2"), Order.SIMILARITY, last)
                      .apply(model, calibration(), arena))
          .isInstanceOf(RecipeException.class)
          .hasMessageContaining("2 of 3 layers are to go: 1 are chosen that can");
    }
  }
}
