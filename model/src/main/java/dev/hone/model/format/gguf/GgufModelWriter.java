package dev.hone.model.format.gguf;

import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.gguf.Change.Stacked;
import dev.hone.model.format.gguf.GgufWriter.Pending;
import dev.hone.model.format.gguf.MetadataValue.Whole;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Writes a checkpoint as GGUF: names, rows and keys as llama.cpp has them. Vectors become F32, as
 * llama.cpp wants them; matrices stay in their types. Tensors that must be changed on the way are
 * made one at a time.
 */
public final class GgufModelWriter {
  private static final long QUANTIZATION_VERSION = 2;

  private final GgufArchitecture architecture;
  private final Naming naming;
  private final Map<String, Tensor> checkpoint;
  private final Set<String> outputsFirst;

  private GgufModelWriter(Config config, Map<String, Tensor> checkpoint, Set<String> outputsFirst) {
    this.architecture = ConfigMetadata.architecture(config);
    this.naming =
        Naming.of(architecture, ConfigMetadata.heads(config), ConfigMetadata.kvHeads(config));
    this.checkpoint = checkpoint;
    this.outputsFirst = outputsFirst;
  }

  /**
   * Writes a model that was read, and perhaps quantized since.
   *
   * @param more keys as below
   * @throws FormatException where the model has something that GGUF has no place for
   */
  public static void write(
      Path file, Config config, Transformer model, Map<String, MetadataValue> more)
      throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Set<String> outputsFirst = new HashSet<>();
    for (Weight weight : model.weights()) {
      tensors.put(weight.name(), weight.tensor());
      if (weight.transposed()) {
        outputsFirst.add(weight.name());
      }
    }
    write(file, config, new GgufModelWriter(config, tensors, outputsFirst), more);
  }

  /**
   * Writes a checkpoint as it is.
   *
   * @param more keys that the config does not say: {@code tokenizer.ggml.*}, {@code general.name}
   * @throws FormatException where the model has something that GGUF has no place for
   */
  public static void write(
      Path file, Config config, Checkpoint checkpoint, Map<String, MetadataValue> more)
      throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    checkpoint.names().forEach(name -> tensors.put(name, checkpoint.tensor(name)));
    Set<String> outputsFirst =
        checkpoint.names().stream().filter(checkpoint::outputsFirst).collect(Collectors.toSet());
    write(file, config, new GgufModelWriter(config, tensors, outputsFirst), more);
  }

  private static void write(
      Path file, Config config, GgufModelWriter writer, Map<String, MetadataValue> more)
      throws IOException {
    Map<String, MetadataValue> metadata =
        new LinkedHashMap<>(ConfigMetadata.of(config, writer.architecture));
    metadata.putAll(more);
    metadata.put(
        "general.quantization_version", new Whole(MetadataKind.UINT32, QUANTIZATION_VERSION));
    Map<String, Pending> tensors = new LinkedHashMap<>();
    try (Arena small = Arena.ofConfined()) {
      ConfigMetadata.ropeTensors(config, writer.architecture)
          .forEach(
              (name, values) ->
                  tensors.put(name, Pending.of(Tensor.copyOf(small, values, values.length))));
      tensors.putAll(writer.tensors());
      GgufWriter.write(file, metadata, tensors);
    }
  }

  private Map<String, Pending> tensors() {
    Map<String, Pending> pending = new TreeMap<>(GgufModelWriter::byBlock);
    Map<String, SortedMap<Integer, Tensor>> stacks = new TreeMap<>();
    checkpoint.forEach(
        (name, tensor) -> {
          Naming.Match match =
              naming
                  .ggufName(name)
                  .orElseThrow(
                      () ->
                          new FormatException(
                              "tensor="
                                  + name
                                  + ": llama.cpp has no name for it in "
                                  + architecture.label()));
          if (match.change() instanceof Stacked) {
            stacks.computeIfAbsent(match.name(), _ -> new TreeMap<>()).put(match.expert(), tensor);
          } else {
            Change change = outputsFirst.contains(name) ? new Change.None() : match.change();
            pending.put(match.name(), changed(name, tensor, change));
          }
        });
    stacks.forEach((name, experts) -> pending.put(name, stacked(name, experts)));
    return pending;
  }

  /** Embeddings and output first, then block after block. */
  private static int byBlock(String a, String b) {
    int[] blocks = {block(a), block(b)};
    return blocks[0] != blocks[1] ? Integer.compare(blocks[0], blocks[1]) : a.compareTo(b);
  }

  private static int block(String name) {
    return name.startsWith("blk.") ? Integer.parseInt(name.split("\\.")[1]) : -1;
  }

  private static Pending changed(String name, Tensor tensor, Change change) {
    boolean vector = tensor.rank() == 1;
    DType type = vector || change instanceof Change.PlusOne ? Plain.F32 : tensor.dtype();
    boolean transposed = change instanceof Change.Transposed;
    long[] shape = transposed ? new long[] {tensor.cols(), tensor.rows()} : tensor.shape();
    return new Pending(
        type(name, tensor, type),
        shape,
        arena -> {
          Tensor moved = change.apply(name, tensor, arena);
          return moved.dtype().equals(type) ? moved : Layouts.encode(moved, type, arena);
        });
  }

  private static GgufType type(String name, Tensor tensor, DType type) {
    return GgufType.of(type)
        .orElseThrow(
            () ->
                new FormatException(
                    "tensor="
                        + name
                        + ", "
                        + tensor
                        + ": GGUF has no such type; quantize it to q8_0 or q4_0, or leave it f16"));
  }

  private static Pending stacked(String name, SortedMap<Integer, Tensor> experts) {
    Tensor first = experts.firstEntry().getValue();
    for (int expert = 0; expert < experts.size(); expert++) {
      Tensor one = experts.get(expert);
      if (one == null
          || !one.dtype().equals(first.dtype())
          || !Arrays.equals(one.shape(), first.shape())) {
        throw new FormatException(
            "tensor="
                + name
                + ": expert "
                + expert
                + " is "
                + one
                + ", not "
                + first
                + " like the first; GGUF stacks experts of one type and shape");
      }
    }
    long[] shape = {experts.size(), first.rows(), first.cols()};
    return new Pending(
        type(name, first, first.dtype()),
        shape,
        arena -> {
          Tensor stack = Tensor.allocate(arena, first.dtype(), shape);
          long bytes = first.data().byteSize();
          experts.forEach(
              (expert, tensor) ->
                  MemorySegment.copy(tensor.data(), 0, stack.data(), expert * bytes, bytes));
          return stack;
        });
  }
}
