package dev.hone.model.format.gguf;

import dev.hone.model.format.Checkpoint;
import dev.hone.tensor.Tensor;
import java.util.Map;
import java.util.Set;

/** Tensors that are in memory already, as a checkpoint. */
public record InMemory(Map<String, Tensor> tensors) implements Checkpoint {
  @Override
  public String source() {
    return "memory";
  }

  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public Tensor tensor(String name) {
    return tensors.get(name);
  }

  @Override
  public long fileBytes() {
    return 0;
  }
}
