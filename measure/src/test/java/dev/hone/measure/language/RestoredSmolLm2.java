package dev.hone.measure.language;

import dev.hone.model.format.gguf.Gguf;
import dev.hone.model.format.gguf.GgufType;
import dev.hone.model.format.gguf.GgufWriter;
import dev.hone.model.format.gguf.GgufWriter.Pending;
import dev.hone.model.format.gguf.MetadataKind;
import dev.hone.model.format.gguf.MetadataValue;
import dev.hone.model.format.gguf.TensorEntry;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * SmolLM2 with its 4-bit grid dissolved, so that quantizers can be compared on a real model: every
 * quantized weight gets uniform noise of one step's width, as {@code make_smollm2.py} of the
 * goldens describes it. Its F16 file is the reference for divergences.
 */
final class RestoredSmolLm2 {
  private static final ValueLayout.OfShort HALF =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int GROUP = 32;

  private RestoredSmolLm2() {}

  static void write(Path published, Path file) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      Gguf gguf = Gguf.open(published, arena);
      Map<String, MetadataValue> metadata = new LinkedHashMap<>(gguf.metadata().values());
      metadata.put("general.file_type", new MetadataValue.Whole(MetadataKind.UINT32, 1));
      Map<String, Pending> tensors = new LinkedHashMap<>();
      for (TensorEntry entry : gguf.tensors()) {
        Tensor tensor = gguf.tensor(entry.name());
        tensors.put(
            entry.name(),
            tensor.dtype() == Plain.F32
                ? Pending.of(tensor)
                : new Pending(
                    GgufType.F16, tensor.shape(), own -> restored(entry.name(), tensor, own)));
      }
      GgufWriter.write(file, metadata, tensors);
    }
  }

  private static Tensor restored(String name, Tensor tensor, Arena arena) {
    long seed = 0xCBF29CE484222325L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      seed = (seed ^ (b & 0xff)) * 0x100000001B3L;
    }
    int bytes = tensor.dtype() == Block.Q4_1 ? 20 : 34;
    Tensor noisy = Tensor.allocate(arena, Plain.F16, tensor.shape());
    float[] row = new float[Math.toIntExact(tensor.cols())];
    long index = 0;
    for (long r = 0; r < tensor.rows(); r++) {
      Layouts.decode(tensor, r, row);
      for (float value : row) {
        long group = index / GROUP * bytes;
        float step = Float.float16ToFloat(tensor.data().get(HALF, group));
        float noise = (float) (uniform(seed + (index + 1) * 0x9E3779B97F4A7C15L) - 0.5);
        short half = Float.floatToFloat16(value + step * noise);
        noisy.data().set(HALF, index * Short.BYTES, half);
        index++;
      }
    }
    return noisy;
  }

  private static double uniform(long state) {
    long z = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    z ^= z >>> 31;
    return (z >>> 11) * 0x1p-53;
  }
}
