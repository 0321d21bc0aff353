package dev.hone.compress.quantize;

import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.model.Embedding;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * Stores the matrices of the chosen layers in another type, each number rounded to the nearest that
 * the type has: casting for floats, round-to-nearest quantization for integers.
 */
public record Encode(DType type, LayerSelection layers) implements Pass {
  /** What recipes call the pass. */
  public static final String NAME = "encode";

  /** The pass as recipes write it: {@code encode: int8-channel}. */
  public static Encode read(String type, LayerSelection layers) {
    return new Encode(DType.of(type), layers);
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
  public Outcome apply(Transformer model, Arena arena) {
    List<LayerChange> changes = new ArrayList<>();
    Transformer encoded =
        model.map(
            new LayerMap() {
              @Override
              public Linear linear(Role role, Linear layer) {
                Tensor matrix = encode(role, layer.weight());
                // Products with rounded inputs are of integers: a matrix of floats takes them as
                // they come.
                Input input = matrix.dtype() instanceof Affine ? layer.input() : Input.FLOAT;
                return new Linear(layer.weight().with(matrix), layer.bias(), input);
              }

              @Override
              public Embedding embedding(Role role, Embedding table) {
                return table.with(encode(role, table.weight()));
              }

              private Tensor encode(Role role, Weight weight) {
                Tensor from = weight.tensor();
                if (!layers.chooses(role, weight.name()) || from.dtype().equals(type)) {
                  return from;
                }
                Tensor to = Layouts.encode(from, type, arena);
                changes.add(
                    new LayerChange(
                        weight.name(),
                        from.dtype().label(),
                        type.label(),
                        from.sizeBytes(),
                        to.sizeBytes(),
                        relativeError(from, to)));
                return to;
              }
            });
    return new Outcome(encoded, changes);
  }

  private static double relativeError(Tensor from, Tensor to) {
    float[] a = new float[Math.toIntExact(from.cols())];
    float[] b = new float[a.length];
    double difference = 0;
    double power = 0;
    for (long row = 0; row < from.rows(); row++) {
      Layouts.decode(from, row, a);
      Layouts.decode(to, row, b);
      for (int i = 0; i < a.length; i++) {
        difference += (double) (a[i] - b[i]) * (a[i] - b[i]);
        power += (double) a[i] * a[i];
      }
    }
    return power == 0 ? Math.sqrt(difference) : Math.sqrt(difference / power);
  }
}
