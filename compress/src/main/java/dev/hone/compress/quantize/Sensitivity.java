package dev.hone.compress.quantize;

import dev.hone.compress.Progress;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.Gram;
import dev.hone.compress.calibrate.Inputs;
import dev.hone.compress.quantize.Apportionment.Choice;
import dev.hone.measure.language.LogProbabilities;
import dev.hone.model.Batch;
import dev.hone.model.Block;
import dev.hone.model.Linear;
import dev.hone.model.Transformer;
import dev.hone.runtime.BlockEngine;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How much a decoder's answers change when one group of layers alone is stored in fewer bits: the
 * divergence of the probabilities of the next token, measured in one type on a few windows of the
 * calibration's texts. Of other types it is as much more or less as the layers' own error is:
 * divergence is of second order in what is added to the weights.
 */
final class Sensitivity implements AutoCloseable {
  /** In which groups are lowered. */
  private static final DType MEASURED = DType.Block.IQ4_NL;

  private static final int WINDOWS = 2;

  /** Rows of a matrix that stand for all of them where types are compared. */
  private static final int ROWS = GridFit.LANES;

  private final Transformer model;
  private final Calibration calibration;
  private final Arena arena = Arena.ofShared();
  private final List<Batch> windows;
  private final List<BlockEngine> engines = new ArrayList<>();
  private final BlockEngine last;
  private final List<Tensor> states = new ArrayList<>(); // what the block at hand reads
  private final List<Tensor> answers = new ArrayList<>(); // of the model as it is
  private final long start = System.nanoTime();

  Sensitivity(Transformer model, Calibration calibration) {
    this.model = model;
    this.calibration = calibration;
    this.windows = windows(calibration.batches());
    for (Block block : model.blocks()) {
      engines.add(BlockEngine.of(model, block, calibration.kernels()));
    }
    this.last = BlockEngine.answers(model, calibration.kernels());
    try (BlockEngine first = BlockEngine.embeddings(model, calibration.kernels())) {
      for (Batch window : windows) {
        Tensor x = first.embeddings(window);
        states.add(Tensor.allocate(arena, Plain.F32, x.shape()));
        states.getLast().data().copyFrom(x.data());
        Tensor logits = answers(x, 0, window);
        answers.add(Tensor.allocate(arena, Plain.F32, logits.shape()));
        answers.getLast().data().copyFrom(logits.data());
      }
    }
  }

  /** The first sequence of batches from all over the texts. */
  private static List<Batch> windows(List<Batch> batches) {
    List<Batch> some = new ArrayList<>();
    int count = Math.min(WINDOWS, batches.size());
    for (int i = 0; i < count; i++) {
      Batch batch = batches.get((int) ((i + 0.5) * batches.size() / count));
      int[] ids = Arrays.copyOfRange(batch.ids(), batch.offsets()[0], batch.offsets()[1]);
      some.add(Batch.of(List.of(ids)));
    }
    return some;
  }

  /** Logits behind the later half of a window's tokens, whose states reach a block. */
  private Tensor answers(Tensor state, int block, Batch window) {
    Tensor x = state;
    for (BlockEngine engine : engines.subList(block, engines.size())) {
      x = engine.run(x, window);
    }
    return last.answers(x.slice(x.rows() / 2, x.rows()), window);
  }

  /**
   * What the groups of a block may be, and what each choice costs.
   *
   * @param number of the block: one after the other
   */
  List<List<Choice>> next(int number, Block block, List<LayersTogether> groups, List<DType> types) {
    var inputs = new Inputs(Gram.Extent.DIAGONAL);
    for (int w = 0; w < states.size(); w++) {
      engines.get(number).run(states.get(w), windows.get(w), inputs.batch(calibration, _ -> true));
    }
    List<List<Choice>> all = new ArrayList<>();
    for (LayersTogether group : groups) {
      all.add(choices(block, group, inputs, types));
      report(number, all.size(), groups.size());
    }
    for (int w = 0; w < states.size(); w++) {
      Tensor out = engines.get(number).run(states.get(w), windows.get(w));
      states.get(w).data().copyFrom(out.data());
    }
    return all;
  }

  private List<Choice> choices(
      Block block, LayersTogether group, Inputs inputs, List<DType> types) {
    double divergence = divergence(block, group, inputs);
    double measured = error(group, inputs, MEASURED);
    List<Choice> choices = new ArrayList<>();
    for (DType type : types) {
      if (fits(group, type)) {
        long bytes = group.layers().stream().mapToLong(l -> type.rowBytes(l.in()) * l.out()).sum();
        double loss = measured == 0 ? 0 : divergence * error(group, inputs, type) / measured;
        choices.add(new Choice(type, bytes, loss));
      }
    }
    return choices;
  }

  private static boolean fits(LayersTogether group, DType type) {
    return group.layers().stream()
        .allMatch(l -> type instanceof DType.Block b && l.in() % b.columns() == 0);
  }

  /** Of the answers, when the group alone is stored in the type that is measured. */
  private double divergence(Block block, LayersTogether group, Inputs inputs) {
    try (Arena own = Arena.ofShared()) {
      List<Tensor> lowered = new ArrayList<>();
      for (Linear layer : group.layers()) {
        float[] weights = Layouts.floats(layer.weight().tensor());
        Curvature read = curvature(layer, inputs);
        lowered.add(round(weights, layer.out(), read, MEASURED).tensor(own, calibration.pool()));
      }
      double sum = 0;
      long tokens = 0;
      try (BlockEngine engine =
          BlockEngine.of(model, group.in(block, lowered), calibration.kernels())) {
        for (int w = 0; w < windows.size(); w++) {
          Tensor x = engine.run(states.get(w), windows.get(w));
          Tensor made = answers(x, group.block() + 1, windows.get(w));
          Tensor original = answers.get(w);
          double[] found = new double[Math.toIntExact(made.rows())];
          calibration
              .pool()
              .run(
                  found.length,
                  row ->
                      found[row] =
                          LogProbabilities.of(original, row)
                              .divergence(LogProbabilities.of(made, row)));
          sum += Arrays.stream(found).sum();
          tokens += found.length;
        }
      }
      return Math.max(sum, 0) / tokens;
    }
  }

  /** Of the group's own answers, squared, over some of its rows. */
  private double error(LayersTogether group, Inputs inputs, DType type) {
    double sum = 0;
    for (Linear layer : group.layers()) {
      float[] weights = Layouts.floats(layer.weight().tensor());
      int cols = layer.in();
      int rows = Math.min(ROWS, layer.out());
      float[] some = new float[rows * cols];
      for (int r = 0; r < rows; r++) {
        int from = (int) ((long) r * layer.out() / rows);
        System.arraycopy(weights, from * cols, some, r * cols, cols);
      }
      Curvature read = curvature(layer, inputs);
      float[] importance = read.importance();
      float[] made = round(some, rows, read, type).floats();
      double own = 0;
      for (int i = 0; i < made.length; i++) {
        own += importance[i % cols] * (made[i] - some[i]) * (made[i] - some[i]);
      }
      sum += own * layer.out() / rows;
    }
    return sum;
  }

  private Integers round(float[] weights, int rows, Curvature curvature, DType type) {
    return Gptq.round(
        weights,
        rows,
        curvature,
        Grid.of(type, Integers.SCALES),
        Rounding.of(Rounding.Method.REFIT),
        calibration.kernels());
  }

  private Curvature curvature(Linear layer, Inputs inputs) {
    Rounding refit = Rounding.of(Rounding.Method.REFIT);
    return inputs
        .of(layer)
        .map(gram -> Curvature.of(gram, refit, calibration.pool()))
        .orElseGet(() -> Curvature.flat(layer.in()));
  }

  private void report(int block, int done, int of) {
    double share = (block + (double) done / of) / model.blocks().size();
    long left = (long) ((System.nanoTime() - start) * (1 / share - 1));
    calibration
        .progress()
        .accept(
            new Progress(
                share,
                "measuring block " + (block + 1) + " of " + model.blocks().size(),
                Duration.ofNanos(left)));
  }

  @Override
  public void close() {
    engines.forEach(BlockEngine::close);
    last.close();
    arena.close();
  }
}
