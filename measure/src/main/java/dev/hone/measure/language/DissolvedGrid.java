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
 * A quantized GGUF file with its grid dissolved, so that quantizers can be compared on a model that
 * is at hand in 4 bits only: every quantized weight gets uniform noise of one step's width. Any
 * quantizer with the same groups would find the file's own grid again, and seem perfect.
 *
 * <pre>
 *   seed(name)  FNV-1a, 64 bit, over the tensor's name in UTF-8
 *   z           SplitMix64's finalizer of seed + (i + 1) 0x9E3779B97F4A7C15, for weight i
 *   u           (z >>> 11) 2^-53
 *   weight      f16(weight + step (u - 0.5))
 * </pre>
 */
public final class DissolvedGrid {
  private static final ValueLayout.OfShort HALF =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int GROUP = 32;

  private DissolvedGrid() {}

  /**
   * Writes the model in F16.
   *
   * @param quantized a GGUF file of F32, Q4_1 and Q8_0
   */
  public static void write(Path quantized, Path file) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      Gguf gguf = Gguf.open(quantized, arena);
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
    if (!(tensor.dtype() instanceof Block type) || type != Block.Q4_1 && type != Block.Q8_0) {
      throw new IllegalArgumentException(name + " is " + tensor + ": q4_1 and q8_0 are dissolved");
    }
    int bytes = type.bytes();
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
