package dev.hone.compress;

import dev.hone.model.Linear;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;

/** Tells models apart that were begun to be compressed: by their weights and their inputs. */
public final class ModelChecksum {
  private static final long CHUNK_BYTES = 1 << 28;

  private ModelChecksum() {}

  /** Of a model alone. */
  public static String of(Transformer model) {
    var sum = new CRC32C();
    add(sum, model);
    return Long.toHexString(sum.getValue());
  }

  /** Adds every weight's bytes, and how layers read their inputs. */
  public static void add(Checksum sum, Transformer model) {
    for (Weight weight : model.weights()) {
      add(sum, weight.tensor());
    }
    for (Linear layer : model.linears()) {
      sum.update(layer.input().toString().getBytes(StandardCharsets.UTF_8));
    }
  }

  private static void add(Checksum sum, Tensor tensor) {
    MemorySegment data = tensor.data();
    for (long at = 0; at < data.byteSize(); at += CHUNK_BYTES) {
      sum.update(data.asSlice(at, Math.min(CHUNK_BYTES, data.byteSize() - at)).asByteBuffer());
    }
    if (tensor.scales() != null) {
      add(sum, tensor.scales());
    }
    if (tensor.zeros() != null) {
      add(sum, tensor.zeros());
    }
  }
}
