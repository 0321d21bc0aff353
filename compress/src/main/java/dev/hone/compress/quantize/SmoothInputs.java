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
import dev.hone.model.Block;
import dev.hone.model.Linear;
import dev.hone.model.Transformer;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.Set;

/**
 * Moves outliers of inputs into weights, so that inputs of 8 bits lose less: column j is divided by
 * {@code max|x_j|^strength / max|w_j|^(1 - strength)}, which what makes the column takes on. Xiao
 * et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language
 * Models", section 4. What the model answers stays; a pass after it rounds.
 *
 * @param strength share of the difficulty that moves, from 0 to 1
 */
public record SmoothInputs(double strength, LayerSelection layers) implements Pass {
  /** What recipes call the pass. */
  public static final String NAME = "smooth";

  /** A column without inputs or weights stays as it is. */
  private static final float LEAST = 1e-5f;

  public SmoothInputs {
    if (!(strength >= 0 && strength <= 1)) {
      throw new IllegalArgumentException("strength=" + strength + ": from 0 to 1");
    }
  }

  /** The pass as recipes write it: {@code smooth: 0.5}. */
  public static SmoothInputs read(String strength, LayerSelection layers) {
    return new SmoothInputs(Double.parseDouble(strength), layers);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String argument() {
    return Double.toString(strength);
  }

  @Override
  public void foresee(Foreseen model) {
    model.requireTexts(NAME);
    Folding.foresee(model, layers, NAME);
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    Journal journal = Journal.open(calibration.journal(), calibration.key(this, model), arena);
    Transformer smoothed =
        new BlockWalk(calibration, _ -> true, Gram.Extent.DIAGONAL)
            .run(model, journal, (block, inputs, own) -> smooth(block, inputs, own));
    return new Outcome(smoothed, LayerChange.between(model, smoothed));
  }

  private Block smooth(Block block, Inputs inputs, Arena arena) {
    Set<String> chosen = layers.names(block);
    Block smoothed = block;
    for (int i = 0; i < Folding.of(block).size(); i++) {
      Folding place = Folding.of(smoothed).get(i); // its layers as the places before left them
      Optional<Gram> gram = inputs.of(place.readers().getFirst());
      if (place.readersAreIn(chosen) && gram.isPresent()) {
        smoothed = place.apply(smoothed, scales(place, gram.get()), arena);
      }
    }
    return smoothed;
  }

  private float[] scales(Folding place, Gram gram) {
    float[] weights = new float[gram.size()];
    for (Linear layer : place.readers()) {
      float[] all = Layouts.floats(layer.weight().tensor());
      for (int i = 0; i < all.length; i++) {
        int column = i % weights.length;
        weights[column] = Math.max(weights[column], Math.abs(all[i]));
      }
    }
    float[] scales = new float[weights.length];
    for (int i = 0; i < scales.length; i++) {
      float x = gram.largest()[i];
      boolean used = x > LEAST && weights[i] > LEAST;
      scales[i] = used ? (float) (Math.pow(x, strength) / Math.pow(weights[i], 1 - strength)) : 1;
    }
    return scales;
  }
}
