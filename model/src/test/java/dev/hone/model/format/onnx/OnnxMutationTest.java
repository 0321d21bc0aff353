package dev.hone.model.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.hone.model.format.FormatException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** 20,000 damaged copies of a file that torch.onnx wrote. */
class OnnxMutationTest {
  private static final int MUTATIONS = 20_000;
  private static final long MAX_BYTES = 32L << 20;
  private static final long MAX_CPU_NANOS = 10_000_000_000L;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private int refused;

  @Test
  void aDamagedFileIsReadOrRefused() throws IOException {
    byte[] original = original();
    int[] structure = structure(original);
    for (int seed = 0; seed < MUTATIONS; seed++) {
      byte[] bytes = mutate(original, structure, new SplittableRandom(seed));
      try {
        read(bytes);
      } catch (FormatException e) {
        assertThat(e).as("seed %d", seed).hasMessageStartingWith("fuzz.onnx");
        refused++;
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed + ", of which mutate() makes the file", e);
      }
    }
    // Most mutations hit structure; some of them a name or a number that may be any.
    assertThat(refused).isBetween(MUTATIONS / 3, MUTATIONS - 1);
  }

  private void read(byte[] bytes) {
    long before = threads.getCurrentThreadAllocatedBytes();
    long start = threads.getCurrentThreadCpuTime();
    try (Arena arena = Arena.ofConfined()) {
      OnnxFuzz.readAll(MemorySegment.ofArray(bytes), new Limited(arena));
    } finally {
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(MAX_BYTES);
      assertThat(threads.getCurrentThreadCpuTime() - start).isLessThan(MAX_CPU_NANOS);
    }
  }

  /** One to three changes, all but some of them where a mistake has consequences. */
  private static byte[] mutate(byte[] original, int[] structure, SplittableRandom random) {
    byte[] bytes = original.clone();
    for (int change = random.nextInt(1, 4); change > 0; change--) {
      int at = structure[random.nextInt(structure.length)];
      if (at >= bytes.length) {
        continue;
      }
      switch (random.nextInt(8)) {
        case 0, 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes[at] = (byte) random.nextInt();
        case 3 -> splice(bytes, at, varint(random));
        case 4 -> bytes = random.nextInt(8) == 0 ? Arrays.copyOf(bytes, at) : bytes;
        case 5 -> bytes = resized(bytes, at, varint(random), random.nextInt(2));
        case 6 -> {
          // Structure from elsewhere: another node's name, a tensor's dims, a whole message.
          int from = structure[random.nextInt(structure.length)];
          int length = Math.min(random.nextInt(1, 200), bytes.length - Math.max(from, at));
          if (length > 0) {
            System.arraycopy(bytes, from, bytes, at, length);
          }
        }
        default -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
    }
    return bytes;
  }

  /** A length, dimension or type as an attacker would choose it. */
  private static byte[] varint(SplittableRandom random) {
    long value =
        switch (random.nextInt(4)) {
          case 0 -> -1L >>> random.nextInt(64);
          case 1 -> 1L << random.nextInt(64);
          case 2 -> random.nextLong();
          default -> random.nextInt(256);
        };
    return ModelProto.message(out -> out.writeUInt64NoTag(value));
  }

  private static void splice(byte[] bytes, int at, byte[] piece) {
    System.arraycopy(piece, 0, bytes, at, Math.min(piece.length, bytes.length - at));
  }

  /** The bytes with a piece put in, in place of {@code dropped} bytes. */
  private static byte[] resized(byte[] bytes, int at, byte[] piece, int dropped) {
    byte[] resized = new byte[bytes.length - dropped + piece.length];
    System.arraycopy(bytes, 0, resized, 0, at);
    System.arraycopy(piece, 0, resized, at, piece.length);
    int rest = at + dropped;
    System.arraycopy(bytes, rest, resized, at + piece.length, bytes.length - rest);
    return resized;
  }

  /** The places that hold no weights. */
  private static int[] structure(byte[] original) {
    MemorySegment file = MemorySegment.ofArray(original);
    BitSet weights = new BitSet(original.length);
    try (Arena arena = Arena.ofConfined()) {
      for (TensorProto tensor : GraphProto.read("original", file).tensors().values()) {
        MemorySegment data = tensor.data(arena, null);
        int start = (int) (data.address() - file.address());
        if (data.byteSize() > Long.BYTES) {
          weights.set(start, start + (int) data.byteSize());
        }
      }
    }
    int[] structure = IntStream.range(0, original.length).filter(i -> !weights.get(i)).toArray();
    assertThat(structure).hasSizeBetween(10_000, original.length / 4);
    return structure;
  }

  private static byte[] original() throws IOException {
    try (InputStream in = OnnxMutationTest.class.getResourceAsStream("bert-torchscript.onnx")) {
      return in.readAllBytes();
    }
  }

  /** An arena that gives no more than a damaged file may ask for. */
  private static final class Limited implements Arena {
    private final Arena arena;
    private long bytes;

    Limited(Arena arena) {
      this.arena = arena;
    }

    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
      bytes += byteSize;
      if (bytes > MAX_BYTES) {
        throw new AssertionError(bytes + " bytes outside the heap");
      }
      return arena.allocate(byteSize, byteAlignment);
    }

    @Override
    public MemorySegment.Scope scope() {
      return arena.scope();
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
