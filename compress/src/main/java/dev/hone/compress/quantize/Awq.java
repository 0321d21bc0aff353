package dev.hone.compress.quantize;

import dev.hone.compress.Foreseen;
import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.calibrate.BlockWalk;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.Gram;
import dev.hone.compress.calibrate.Inputs;
import dev.hone.compress.calibrate.Journal;
import dev.hone.compress.quantize.Rounding.Method;
import dev.hone.model.Block;
import dev.hone.model.Linear;
import dev.hone.model.Transformer;
import dev.hone.tensor.Activation;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.Set;

/**
 * Scales up the columns that carry much, so that rounding harms them less, and folds the scales
 * into what makes the columns: Lin et al., "AWQ: Activation-aware Weight Quantization for LLM
 * Compression and Acceleration", section 3.2. The scale of a column is a power of how much it
 * carries; the power is the one of {@value #STEPS} + 1 that leaves the layers' answers nearest once
 * their weights are rounded. What it changes is rounded by a pass after it.
 *
 * @param type that the layers will be rounded to
 */
public record Awq(DType type, LayerSelection layers) implements Pass {
  /** What recipes call the pass. */
  public static final String NAME = "awq";

  private static final int STEPS = 20;

  /** A column that carries nothing is not scaled away. */
  private static final float LEAST = 1e-4f;

  public Awq {
    Grid.of(type, Integers.SCALES); // refuses what cannot be calibrated
  }

  /** The pass as recipes write it: {@code awq: int4-g32-asym}. */
  public static Awq read(String type, LayerSelection layers) {
    return new Awq(DType.of(type), layers);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String argument() {
    return type.label();
  }

  @Override
  public void foresee(Foreseen model) {
    model.requireTexts(NAME);
    Folding.foresee(model, layers, NAME);
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    Journal journal = Journal.open(calibration.journal(), calibration.key(this, model), arena);
    Transformer scaled =
        new BlockWalk(calibration, _ -> true, Gram.Extent.ALL)
            .run(model, journal, (block, inputs, own) -> scale(block, inputs, calibration, own));
    return new Outcome(scaled, LayerChange.between(model, scaled));
  }

  private Block scale(Block block, Inputs inputs, Calibration calibration, Arena arena) {
    Set<String> chosen = layers.names(block);
    Block scaled = block;
    for (int i = 0; i < Folding.of(block).size(); i++) {
      Folding place = Folding.of(scaled).get(i); // its layers as the places before left them
      Optional<Gram> gram = inputs.of(place.readers().getFirst());
      if (place.readersAreIn(chosen) && gram.isPresent()) {
        scaled = place.apply(scaled, best(place, gram.get(), calibration), arena);
      }
    }
    return scaled;
  }

  private float[] best(Folding place, Gram gram, Calibration calibration) {
    int n = gram.size();
    float[] carried = new float[n];
    double[] diagonal = gram.diagonal();
    for (int i = 0; i < n; i++) {
      carried[i] = (float) Math.sqrt(diagonal[i] / gram.tokens());
    }
    float[] best = null;
    double least = Double.MAX_VALUE;
    try (Arena own = Arena.ofShared()) {
      PackedMatrix hessian = packed(gram, calibration.kernels(), own);
      for (int step = 0; step <= STEPS; step++) {
        float[] scales = scales(carried, (double) step / STEPS);
        double error = 0;
        for (Linear layer : place.readers()) {
          error += error(layer.weight().tensor(), scales, hessian, calibration);
        }
        if (error < least) {
          least = error;
          best = scales;
        }
      }
    }
    return best;
  }

  /** Powers of what columns carry, the largest and the least as far from 1. */
  private static float[] scales(float[] carried, double power) {
    float[] scales = new float[carried.length];
    double low = Double.MAX_VALUE;
    double high = 0;
    for (int i = 0; i < scales.length; i++) {
      scales[i] = (float) Math.pow(Math.max(carried[i], LEAST), power);
      low = Math.min(low, scales[i]);
      high = Math.max(high, scales[i]);
    }
    for (int i = 0; i < scales.length; i++) {
      scales[i] /= (float) Math.sqrt(low * high);
    }
    return scales;
  }

  private static PackedMatrix packed(Gram gram, Kernels kernels, Arena arena) {
    int n = gram.size();
    double[] all = gram.matrix();
    float[] mean = new float[all.length];
    for (int i = 0; i < all.length; i++) {
      mean[i] = (float) (all[i] / gram.tokens());
    }
    return kernels.pack(Tensor.copyOf(arena, mean, n, n), arena);
  }

  /** The sum over rows of {@code d H dᵀ}, for the differences d that rounding makes. */
  private double error(
      Tensor weight, float[] scales, PackedMatrix hessian, Calibration calibration) {
    try (Arena own = Arena.ofShared()) {
      int rows = Math.toIntExact(weight.rows());
      int cols = Math.toIntExact(weight.cols());
      float[] exact = Layouts.floats(weight);
      Tensor scaled = Folding.scaled(weight, null, scales, own);
      Integers rounded =
          Gptq.round(
              Layouts.floats(scaled),
              rows,
              Curvature.flat(cols),
              Grid.of(Encode.fitting(type, cols), Integers.SCALES),
              Rounding.of(Method.RTN),
              calibration.kernels());
      float[] difference = rounded.floats();
      for (int i = 0; i < difference.length; i++) {
        difference[i] = difference[i] / scales[i % cols] - exact[i];
      }
      Tensor product = Tensor.allocate(own, Plain.F32, rows, cols);
      calibration
          .kernels()
          .linear(
              Tensor.copyOf(own, difference, rows, cols), hessian, null, Activation.NONE, product);
      float[] turned = product.toArray();
      double sum = 0;
      for (int i = 0; i < turned.length; i++) {
        sum += (double) turned[i] * difference[i];
      }
      return sum;
    }
  }
}
