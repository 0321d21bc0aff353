package dev.hone.model.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.model.format.Hostile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 20,000 damaged copies of a file with every kind of metadata, and of a model. */
class GgufMutationTest {
  @TempDir private Path folder;

  @Test
  void aDamagedFileIsReadOrRefused() throws IOException {
    Path file = folder.resolve("sample.gguf");
    try (Arena arena = Arena.ofConfined()) {
      SampleGguf.write(file, SampleGguf.metadata(), SampleGguf.tensors(arena));
    }
    assertReadOrRefused(file, (bytes, _) -> GgufFuzz.readAll(bytes));
  }

  @Test
  void aDamagedModelIsReadOrRefused() throws IOException {
    Path file = folder.resolve("model.gguf");
    try (Arena arena = Arena.ofConfined()) {
      GgufModelWriter.write(
          file,
          TinyLlama.config(TinyLlama.MIXTRAL),
          new InMemory(TinyLlama.mixtral(arena)),
          Map.of());
    }
    // Read back whole, so that what follows is not refused for its own sake.
    try (Arena arena = Arena.ofConfined()) {
      GgufFuzz.readModel(MemorySegment.ofArray(Files.readAllBytes(file)), arena);
    }
    assertReadOrRefused(file, GgufFuzz::readModel);
  }

  private static void assertReadOrRefused(Path file, BiConsumer<MemorySegment, Arena> reader)
      throws IOException {
    int head;
    try (Arena arena = Arena.ofConfined()) {
      long data =
          GgufFile.open(file, arena).tensors().values().stream()
              .mapToLong(entry -> entry.offset() + entry.bytes())
              .max()
              .orElseThrow();
      head = (int) (Files.size(file) - data);
    }
    byte[] original = Files.readAllBytes(file);
    int refused =
        Hostile.refused(
            (random, arena) ->
                reader.accept(MemorySegment.ofArray(mutate(original, head, random)), arena),
            "fuzz.gguf",
            "tensor=");
    // The rest changed a name, a number or a text that may be any.
    assertThat(refused).isBetween(Hostile.MUTATIONS / 3, Hostile.MUTATIONS - 1);
  }

  /** One to three changes of the head. */
  private static byte[] mutate(byte[] original, int head, SplittableRandom random) {
    byte[] bytes = original.clone();
    for (int change = random.nextInt(1, 4); change > 0; change--) {
      int at = random.nextInt(Math.min(head, bytes.length));
      ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      switch (random.nextInt(8)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt();
        case 2 -> {
          if (at + 8 <= bytes.length) {
            buffer.putLong(at, -1L >>> random.nextInt(64));
          }
        }
        case 3 -> {
          if (at + 4 <= bytes.length) {
            buffer.putInt(at, random.nextInt(16)); // another kind, type or rank
          }
        }
        case 4 -> bytes = random.nextInt(4) == 0 ? Arrays.copyOf(bytes, at + 1) : bytes;
        case 5 -> {
          // A piece of the head from elsewhere: another key, a tensor twice.
          int from = random.nextInt(head);
          int length = Math.min(random.nextInt(1, 100), bytes.length - Math.max(from, at));
          if (length > 0) {
            System.arraycopy(original, from, bytes, at, length);
          }
        }
        default -> nudge(bytes, buffer, random);
      }
    }
    return bytes;
  }

  /** Counts and offsets are where eight bytes hold a small number: one of them grows or shrinks. */
  private static void nudge(byte[] bytes, ByteBuffer buffer, SplittableRandom random) {
    for (int attempt = 0; attempt < 64; attempt++) {
      int at = random.nextInt(8, Math.max(9, Math.min(bytes.length - 8, 1500)));
      if (at + 8 <= bytes.length && buffer.getLong(at) > 0 && buffer.getLong(at) < 4096) {
        buffer.putLong(at, buffer.getLong(at) + random.nextInt(-40, 41));
        return;
      }
    }
  }
}
