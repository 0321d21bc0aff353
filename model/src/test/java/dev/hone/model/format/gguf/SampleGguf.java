package dev.hone.model.format.gguf;

import dev.hone.model.format.gguf.GgufWriter.Pending;
import dev.hone.model.format.gguf.MetadataValue.Array;
import dev.hone.model.format.gguf.MetadataValue.Fraction;
import dev.hone.model.format.gguf.MetadataValue.Text;
import dev.hone.model.format.gguf.MetadataValue.Whole;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A small file with every kind of metadata and several types of tensors. */
final class SampleGguf {
  private SampleGguf() {}

  static Map<String, MetadataValue> metadata() {
    Map<String, MetadataValue> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", Text.of("llama"));
    metadata.put("uint8", new Whole(MetadataKind.UINT8, 255));
    metadata.put("int8", new Whole(MetadataKind.INT8, -128));
    metadata.put("uint16", new Whole(MetadataKind.UINT16, 65_535));
    metadata.put("int16", new Whole(MetadataKind.INT16, -32_768));
    metadata.put("uint32", new Whole(MetadataKind.UINT32, 4_294_967_295L));
    metadata.put("int32", new Whole(MetadataKind.INT32, Integer.MIN_VALUE));
    metadata.put("uint64", new Whole(MetadataKind.UINT64, -1));
    metadata.put("int64", new Whole(MetadataKind.INT64, Long.MIN_VALUE));
    metadata.put("float32", new Fraction(MetadataKind.FLOAT32, 0.1f));
    metadata.put("float64", new Fraction(MetadataKind.FLOAT64, 0.1));
    metadata.put("true", new Whole(MetadataKind.BOOL, 1));
    metadata.put("false", new Whole(MetadataKind.BOOL, 0));
    metadata.put("texts", GgufWriter.texts(List.of("", "Ġthe", "🦙")));
    metadata.put("integers", GgufWriter.integers(1, -2, 3));
    metadata.put("floats", GgufWriter.floats(0.5f, -0f, Float.MAX_VALUE));
    metadata.put(
        "flags", new Array(MetadataKind.BOOL, 2, MemorySegment.ofArray(new byte[] {0, 1})));
    metadata.put(
        "bytes", new Array(MetadataKind.UINT8, 2, MemorySegment.ofArray(new byte[] {-1, 1})));
    metadata.put("none", GgufWriter.texts(List.of()));
    return metadata;
  }

  static Map<String, Tensor> tensors(Arena arena) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("norm.weight", filled(Tensor.allocate(arena, Plain.F32, 5)));
    tensors.put("half.weight", filled(Tensor.allocate(arena, Plain.F16, 2, 3)));
    tensors.put("blocks.weight", filled(Tensor.allocate(arena, Block.Q4_1, 3, 64)));
    tensors.put("super.weight", filled(Tensor.allocate(arena, Block.Q6_K, 1, 256)));
    tensors.put("experts.weight", filled(Tensor.allocate(arena, Block.Q8_0, 2, 3, 32)));
    return tensors;
  }

  private static Tensor filled(Tensor tensor) {
    for (long i = 0; i < tensor.data().byteSize(); i++) {
      tensor.data().set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) (i * 37 + 11));
    }
    return tensor;
  }

  static void write(Path file, Map<String, MetadataValue> metadata, Map<String, Tensor> tensors)
      throws IOException {
    Map<String, Pending> pending = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> pending.put(name, Pending.of(tensor)));
    GgufWriter.write(file, metadata, pending);
  }
}
