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
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The matrices of a model's linear layers in the order that a tier of kernels reads. What was
 * copied out of a mapped file need not stay in memory beside its copy: its pages are given back,
 * and come again where somebody reads them, as a word table that is the output matrix too is read,
 * row by row.
 */
final class PackedWeights implements AutoCloseable {
  private final Arena arena = LargePages.arena();
  private final Optional<SparseTrial> trial;
  private final List<SparseProducts> sparse;
  private final IdentityHashMap<Tensor, Map<Input, PackedMatrix>> byTensor =
      new IdentityHashMap<>();

  PackedWeights(Transformer model, Kernels kernels) {
    this(model, kernels, null, 0);
  }

  /**
   * Packs what others have not.
   *
   * @param others of the same kernels, closed after this; null: none
   * @param rows that products will mostly have: where they are faster so, zeros are left out; 0:
   *     they never are, and answers are the same bit by bit whenever a model is loaded
   */
  PackedWeights(Transformer model, Kernels kernels, PackedWeights others, int rows) {
    trial = rows == 0 ? Optional.empty() : Optional.of(new SparseTrial(kernels, rows));
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
      sparse =
          trial
              .map(t -> t.decide((matrix, packed) -> put(matrix, Input.FLOAT, packed)))
              .orElse(List.of());
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private void pack(Linear layer, Kernels kernels, PackedWeights others) {
    Tensor matrix = layer.weight().tensor();
    Input input = layer.input();
    if (others != null && others.byTensor.getOrDefault(matrix, Map.of()).containsKey(input)) {
      byTensor.computeIfAbsent(matrix, _ -> new HashMap<>()).put(input, others.of(layer));
    } else if (!byTensor.getOrDefault(matrix, Map.of()).containsKey(input)
        && !trial.map(t -> t.take(matrix, input)).orElse(false)) {
      put(matrix, input, kernels.pack(matrix.inStoredOrder(), input, arena));
    }
  }

  private void put(Tensor matrix, Input input, PackedMatrix packed) {
    byTensor.computeIfAbsent(matrix, _ -> new HashMap<>()).put(input, packed);
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

  /** What was found of matrices with many zeros. */
  List<SparseProducts> sparse() {
    return sparse;
  }

  @Override
  public void close() {
    trial.ifPresent(SparseTrial::close);
    arena.close();
  }
}
