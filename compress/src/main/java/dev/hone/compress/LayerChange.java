package dev.hone.compress;

import dev.hone.model.Block;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a pass did to one layer.
 *
 * @param layer name of the weight; of the model that a pass was given, where it is removed
 * @param error null where the shape changed, else root of the mean squared difference over the root
 *     of the mean square of the original
 * @param weights numbers of the matrix now
 * @param zeros share of the weights that are zero now
 */
public record LayerChange(
    String layer,
    String from,
    String to,
    long bytesBefore,
    long bytesAfter,
    Double error,
    long weights,
    double zeros) {

  /** What a matrix has become that is no more. */
  public static final String REMOVED = "removed";

  /** What became of a matrix. */
  public static LayerChange of(String layer, Tensor from, Tensor to) {
    boolean comparable = Arrays.equals(from.shape(), to.shape());
    float[] a = new float[Math.toIntExact(to.cols())];
    float[] b = new float[a.length];
    double difference = 0;
    double power = 0;
    long zeros = 0;
    for (long row = 0; row < to.rows(); row++) {
      Layouts.decode(to, row, b);
      if (comparable) {
        Layouts.decode(from, row, a);
      }
      for (int i = 0; i < b.length; i++) {
        difference += (double) (a[i] - b[i]) * (a[i] - b[i]);
        power += (double) a[i] * a[i];
        zeros += b[i] == 0 ? 1 : 0;
      }
    }
    double error = power == 0 ? Math.sqrt(difference) : Math.sqrt(difference / power);
    return new LayerChange(
        layer,
        from.dtype().label(),
        to.dtype().label(),
        from.sizeBytes(),
        to.sizeBytes(),
        comparable ? error : null,
        to.size(),
        (double) zeros / to.size());
  }

  /** What became of the matrices of a block that is no more. */
  public static List<LayerChange> removed(Block block) {
    List<LayerChange> changes = new ArrayList<>();
    block.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            Tensor from = layer.weight().tensor();
            changes.add(
                new LayerChange(
                    layer.weight().name(),
                    from.dtype().label(),
                    REMOVED,
                    from.sizeBytes(),
                    0,
                    null,
                    0,
                    0));
            return layer;
          }
        });
    return changes;
  }

  /**
   * What became of the matrices of a model's blocks, heads and tables that are not as they were.
   */
  public static List<LayerChange> between(Transformer before, Transformer after) {
    Map<String, Tensor> originals = new HashMap<>();
    before.weights().forEach(w -> originals.put(w.name(), w.tensor()));
    List<LayerChange> changes = new ArrayList<>();
    for (Weight weight : after.weights()) {
      Tensor from = originals.get(weight.name());
      if (from != weight.tensor() && from.rank() == 2) {
        changes.add(of(weight.name(), from, weight.tensor()));
      }
    }
    return changes;
  }
}
