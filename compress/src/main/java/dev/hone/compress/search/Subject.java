package dev.hone.compress.search;

import dev.hone.measure.Speed;
import dev.hone.measure.Workload;
import dev.hone.model.Transformer;
import dev.hone.model.folder.Model;
import dev.hone.runtime.Engine;
import dev.hone.tensor.kernel.KernelTier;
import java.nio.file.Path;
import java.util.List;

/**
 * A model that is searched, or a candidate, made ready to be asked and timed. What it is asked is
 * the {@link Quality}'s of its kind.
 *
 * @param <S> the kind
 */
public interface Subject<S extends Subject<S>> extends AutoCloseable {
  Model model();

  /** The model as it runs here. */
  Engine engine();

  /** The kernels that it runs on. */
  KernelTier tier();

  /** Threads that compute. */
  int threads();

  /**
   * The same over a changed model, sharing what did not change: close it before this one.
   *
   * @param other made from this one's model; its memory is its maker's
   */
  S with(Transformer other);

  /** What was made of this one, from where it was written; it runs as this one does. */
  S load(Path made);

  /** What speed is measured on; the same for the original and all candidates. */
  Workload workload();

  /** What this one does of the workload. */
  Speed.Work work();

  /** What is worth knowing of how it reads its texts; a sentence each. */
  List<String> notes();

  /** Bytes of memory outside the heap: mapped files, packed weights and the most of activations. */
  default long sizeBytes() {
    return model().sizeBytes() + engine().sizeBytes();
  }

  @Override
  void close();
}
