package dev.hone.model.format;

import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import java.util.Optional;
import java.util.Set;

/**
 * Named tensors as a file holds them, under the names that Hugging Face's checkpoints of the
 * architecture use, whatever the file format. Quantized weights appear as one tensor under the name
 * of the weight they replace. Tensors live as long as the arena the checkpoint was opened with.
 */
public interface Checkpoint {

  /** What messages call it: a file or folder. */
  String source();

  /** Names of all tensors. */
  Set<String> names();

  /**
   * The tensor of that name.
   *
   * @throws FormatException where there is none
   */
  Tensor tensor(String name);

  /** The {@code config.json} of a file that describes its model itself; empty for all others. */
  default Optional<Config> config() {
    return Optional.empty();
  }

  /** Bytes of the files that hold the tensors. */
  long fileBytes();

  /**
   * Whether the matrix of that name lies [out, in] where checkpoints of its architecture have it
   * [in, out], as GPT-2's do.
   */
  default boolean outputsFirst(String name) {
    return false;
  }

  /** How the linear layer of that name reads its input. */
  default Input input(String layer) {
    return Input.FLOAT;
  }
}
