package dev.hone.runtime;

import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.tensor.Input;
import dev.hone.tensor.LargePages;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.PackedMatrix;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * The matrices of a model's linear layers in the order that a tier of kernels reads. What was
 * copied out of a mapped file need not stay in memory beside its copy: its pages are given back,
 * and come again where somebody reads them, as a word table that is the output matrix too is read,
 * row by row.
 */
final class PackedWeights implements AutoCloseable {
  private final Arena arena = LargePages.arena();
  private final IdentityHashMap<Tensor, Map<Input, PackedMatrix>> byTensor =
      new IdentityHashMap<>();

  PackedWeights(Transformer model, Kernels kernels) {
    this(model, kernels, null);
  }

  /**
   * Packs what others have not.
   *
   * @param others of the same kernels, closed after this; null: none
   */
  PackedWeights(Transformer model, Kernels kernels, PackedWeights others) {
    try {
      model.map(
          new LayerMap() {
            @Override
            public Linear linear(Role role, Linear layer) {
              pack(layer, kernels, others);
              return layer;
            }
          });
      if (model.head() instanceof Head.NextToken next) {
        pack(model.nextToken(next), kernels, others);
      }
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  private void pack(Linear layer, Kernels kernels, PackedWeights others) {
    Tensor matrix = layer.weight().tensor();
    if (others != null
        && others.byTensor.getOrDefault(matrix, Map.of()).containsKey(layer.input())) {
      byTensor.computeIfAbsent(matrix, _ -> new HashMap<>()).put(layer.input(), others.of(layer));
      return;
    }
    PackedMatrix packed =
        byTensor
            .computeIfAbsent(matrix, _ -> new HashMap<>())
            .computeIfAbsent(
                layer.input(), input -> kernels.pack(matrix.inStoredOrder(), input, arena));
    if (packed.packedBytes() > 0 && matrix.data().isMapped()) {
      matrix.data().unload();
    }
  }

  PackedMatrix of(Linear layer) {
    PackedMatrix matrix =
        byTensor.getOrDefault(layer.weight().tensor(), Map.of()).get(layer.input());
    if (matrix == null) {
      throw new IllegalArgumentException(
          layer.name() + " belongs to another model than the one packed");
    }
    return matrix;
  }

  /**
   * Bytes that a product with a layer's weights reads: of their packed copy, where there is one.
   */
  long bytes(Linear layer) {
    long packed = of(layer).packedBytes();
    return packed == 0 ? layer.weight().tensor().sizeBytes() : packed;
  }

  /** Bytes of the packed copies beside the model's own. */
  long sizeBytes() {
    return byTensor.values().stream()
        .flatMap(matrices -> matrices.values().stream())
        .mapToLong(PackedMatrix::packedBytes)
        .sum();
  }

  @Override
  public void close() {
    arena.close();
  }
}
