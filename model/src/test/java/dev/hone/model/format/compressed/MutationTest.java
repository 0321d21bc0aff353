package dev.hone.model.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.model.architecture.Architectures;
import dev.hone.model.architecture.Layers;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.Hostile;
import dev.hone.model.format.safetensors.Safetensors;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** 20,000 damaged copies of what llm-compressor wrote, for each of the readers. */
class MutationTest {
  private final byte[] file = resource("bert-w4-g32-asymmetric.safetensors");
  private final byte[] config = resource("bert-w4-g32-asymmetric.json");

  @Test
  void readsOrRefusesSafetensors() {
    int refused =
        Hostile.refused(
            (random, arena) -> {
              byte[] damaged = Hostile.safetensors(file, random);
              Safetensors read = Safetensors.of("x.safetensors", MemorySegment.ofArray(damaged));
              long bytes = 0;
              for (String name : read.names()) {
                bytes += read.tensor(name).data().byteSize();
              }
              long header = ByteBuffer.wrap(damaged).order(ByteOrder.LITTLE_ENDIAN).getLong();
              assertThat(8 + header + bytes).isEqualTo(damaged.length);
            },
            "x.safetensors");
    assertMostRefused(refused);
  }

  @Test
  void readsOrRefusesTensorsThatBelongTogether() {
    Config sound = Config.parse("config.json", config);
    int refused =
        Hostile.refused(
            (random, arena) -> readAll(Hostile.safetensors(file, random), sound, arena),
            "x.safetensors",
            "config.json");
    assertMostRefused(refused);
  }

  @Test
  void readsOrRefusesConfigs() {
    int refused =
        Hostile.refused(
            (random, arena) ->
                readAll(file, Config.parse("config.json", Hostile.json(config, random)), arena),
            "x.safetensors",
            "config.json");
    assertMostRefused(refused);
  }

  private static void readAll(byte[] bytes, Config config, Arena arena) {
    Safetensors stored = Safetensors.of("x.safetensors", MemorySegment.ofArray(bytes));
    Checkpoint checkpoint = CompressedTensors.open(stored, config, arena);
    checkpoint.names().forEach(checkpoint::tensor);
    Architectures.of(config).read(config, new Layers(checkpoint, arena));
  }

  /** Most damage shows; some hits a name or a number that may be any. */
  private static void assertMostRefused(int refused) {
    assertThat(refused).isBetween(Hostile.MUTATIONS / 4, Hostile.MUTATIONS - 1);
  }

  private static byte[] resource(String name) {
    try (InputStream in = MutationTest.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
