package dev.hone.model.architecture;

import dev.hone.model.Embedding;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Weight;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.Set;

/**
 * The layers of a checkpoint under a prefix, with the shapes that the config promises. Vectors
 * (biases, norms) become F32; matrices stay as they are.
 */
public final class Layers {
  private final Checkpoint checkpoint;
  private final String prefix;
  private final Arena arena;
  private final Optional<Set<String>> narrowed;

  public Layers(Checkpoint checkpoint, Arena arena) {
    this(checkpoint, "", arena, Optional.empty());
  }

  private Layers(
      Checkpoint checkpoint, String prefix, Arena arena, Optional<Set<String>> narrowed) {
    this.checkpoint = checkpoint;
    this.prefix = prefix;
    this.arena = arena;
    this.narrowed = narrowed;
  }

  /**
   * The same layers, of a model that parts were removed from: matrices may be smaller than is
   * asked.
   *
   * @param names takes the names of those that are
   */
  public Layers narrowed(Set<String> names) {
    return new Layers(checkpoint, prefix, arena, Optional.of(names));
  }

  /** The layers below {@code name.}. */
  public Layers in(String name) {
    return new Layers(checkpoint, prefix + name + ".", arena, narrowed);
  }

  /**
   * Below {@code name.} where the checkpoint has anything there, else here: {@code bert.} is
   * optional.
   */
  public Layers inOptional(String name) {
    String below = prefix + name + ".";
    return checkpoint.names().stream().anyMatch(n -> n.startsWith(below)) ? in(name) : this;
  }

  public boolean has(String name) {
    return checkpoint.names().contains(prefix + name);
  }

  /** The names of all tensors below here, prefix included. */
  public java.util.List<String> names() {
    return checkpoint.names().stream().filter(n -> n.startsWith(prefix)).sorted().toList();
  }

  /** Rows of a matrix, for sizes that only the checkpoint knows, such as the number of labels. */
  public int rows(String name) {
    return Math.toIntExact(checkpoint.tensor(prefix + name).rows());
  }

  /** {@code name.weight} [out, in] and, where the checkpoint has it, {@code name.bias} [out]. */
  public Linear linear(String name, int out, int in) {
    Weight weight = new Weight(prefix + name + ".weight", upTo(name + ".weight", out, in));
    int rows = Math.toIntExact(weight.tensor().rows());
    Weight bias = has(name + ".bias") ? vector(name + ".bias", rows) : null;
    return new Linear(weight, bias, checkpoint.input(prefix + name));
  }

  /**
   * A layer that checkpoints hold transposed, as GPT-2's {@code Conv1D}: {@code name.weight} [in,
   * out], or [out, in] where this one says so, and {@code name.bias} [out].
   */
  public Linear conv1d(String name, int out, int in) {
    if (checkpoint.outputsFirst(prefix + name + ".weight")) {
      Tensor asItIs = upTo(name + ".weight", out, in);
      return new Linear(
          new Weight(prefix + name + ".weight", asItIs, true),
          vector(name + ".bias", Math.toIntExact(asItIs.rows())),
          checkpoint.input(prefix + name));
    }
    Tensor stored = checkpoint.tensor(prefix + name + ".weight");
    if (!(stored.dtype() instanceof Plain)) {
      throw new FormatException(
          checkpoint.source()
              + ": tensor="
              + prefix
              + name
              + ".weight is "
              + stored.dtype().label()
              + ": a matrix that is stored transposed must be plain numbers");
    }
    Tensor matrix = upTo(name + ".weight", in, out).transposed(arena);
    Weight weight = new Weight(prefix + name + ".weight", matrix, true);
    return new Linear(weight, vector(name + ".bias", Math.toIntExact(matrix.rows())));
  }

  /** {@code name.weight} [entries, dim]. */
  public Embedding embedding(String name, int entries, int dim) {
    return new Embedding(matrix(name + ".weight", entries, dim));
  }

  /**
   * {@code name.weight} [entries, dim] of a table that the head {@code other} shares where {@code
   * tied}: PyTorch's safetensors hold one of two shared tensors, under either name.
   *
   * @param root what the head stands in
   */
  Embedding embedding(String name, int entries, int dim, boolean tied, Layers root, String other) {
    if (!tied || has(name + ".weight") || !root.has(other + ".weight")) {
      return embedding(name, entries, dim);
    }
    Weight shared = root.matrix(other + ".weight", entries, dim);
    return new Embedding(new Weight(prefix + name + ".weight", shared.tensor()));
  }

  /** {@code name.weight} and {@code name.bias} [dim]. */
  public Norm layerNorm(String name, int dim, float epsilon) {
    // Checkpoints converted from TensorFlow call them gamma and beta.
    boolean old = has(name + ".gamma");
    return new Norm.LayerNorm(
        vector(name + (old ? ".gamma" : ".weight"), dim),
        vector(name + (old ? ".beta" : ".bias"), dim),
        epsilon);
  }

  /** {@code name.weight} [dim], and no bias. */
  public Norm layerNormWithoutBias(String name, int dim, float epsilon) {
    return new Norm.LayerNorm(vector(name + ".weight", dim), null, epsilon);
  }

  /**
   * {@code name.weight} [dim].
   *
   * @param shift added to every weight
   */
  public Norm rmsNorm(String name, int dim, float shift, float epsilon) {
    return new Norm.RmsNorm(vector(name + ".weight", dim), shift, epsilon);
  }

  private Weight matrix(String name, int rows, int cols) {
    return new Weight(prefix + name, shaped(name, rows, cols));
  }

  /** A matrix of that shape, or a smaller one where parts were removed. */
  private Tensor upTo(String name, long rows, long cols) {
    Tensor tensor = checkpoint.tensor(prefix + name);
    if (narrowed.isEmpty()
        || tensor.rank() != 2
        || tensor.rows() == rows && tensor.cols() == cols
        || tensor.rows() > rows
        || tensor.cols() > cols) {
      return shaped(name, rows, cols);
    }
    narrowed.get().add(prefix + name);
    return tensor;
  }

  private Weight vector(String name, int length) {
    return new Weight(prefix + name, f32(shaped(name, length)));
  }

  private Tensor f32(Tensor vector) {
    return vector.dtype() == Plain.F32 ? vector : Layouts.decode(vector, arena);
  }

  private Tensor shaped(String name, long... shape) {
    Tensor tensor = checkpoint.tensor(prefix + name);
    if (!java.util.Arrays.equals(tensor.shape(), shape)) {
      throw new FormatException(
          checkpoint.source()
              + ": tensor="
              + prefix
              + name
              + ", shape="
              + tensor.shapeText()
              + ": config.json promises "
              + java.util.Arrays.toString(shape)
              + "; config and weights belong to different models");
    }
    return tensor;
  }
}
