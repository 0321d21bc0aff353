package dev.hone.model.format.gptq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.Formats;
import dev.hone.model.format.Hostile;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Seeded integers, packed bit by bit as the layouts have them, become the numbers they stand for.
 */
class GptqCheckpointTest {
  private static final int IN = 96;
  private static final int OUT = 64;

  @TempDir private Path folder;
  private final Arena arena = Arena.ofShared();
  private final Random random = new Random(7);
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  @AfterEach
  void close() {
    arena.close();
  }

  /** Integers of a layer, its zero points and scales. */
  private record Layer(int[][] q, int[][] zeros, float[][] scales, int[] groups) {
    float weight(int out, int in) {
      int group = groups[in];
      return (q[in][out] - zeros[group][out]) * scales[group][out];
    }
  }

  private Layer layer(int bits, int group, boolean reordered) {
    int count = Math.ceilDiv(IN, group);
    int[] groups = IntStream.range(0, IN).map(i -> i / group).toArray();
    if (reordered) {
      for (int i = IN - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        int other = groups[i];
        groups[i] = groups[j];
        groups[j] = other;
      }
    }
    float[][] scales = new float[count][OUT];
    for (float[] row : scales) {
      for (int o = 0; o < OUT; o++) {
        row[o] = Float.float16ToFloat(Float.floatToFloat16(random.nextFloat()));
      }
    }
    return new Layer(integers(IN, bits), integers(count, bits), scales, groups);
  }

  private int[][] integers(int rows, int bits) {
    return IntStream.range(0, rows)
        .mapToObj(_ -> random.ints(OUT, 0, 1 << bits).toArray())
        .toArray(int[][]::new);
  }

  /** The words of a stream of integers, low bits first. */
  private static int[] words(int[] integers, int bits) {
    BitSet stream = new BitSet();
    for (int i = 0; i < integers.length; i++) {
      for (int b = 0; b < bits; b++) {
        stream.set(i * bits + b, (integers[i] >> b & 1) == 1);
      }
    }
    int[] words = new int[integers.length * bits / 32];
    for (int i = 0; i < words.length * 32; i++) {
      words[i / 32] |= stream.get(i) ? 1 << i % 32 : 0;
    }
    return words;
  }

  private void put(String name, int[][] rows) {
    Tensor tensor = Tensor.allocate(arena, Plain.I32, rows.length, rows[0].length);
    for (int r = 0; r < rows.length; r++) {
      MemorySegment.copy(
          rows[r], 0, tensor.row(r), ValueLayout.JAVA_INT_UNALIGNED, 0, rows[r].length);
    }
    tensors.put(name, tensor);
  }

  private void putScales(String name, float[][] scales) {
    Tensor tensor = Tensor.allocate(arena, Plain.F16, scales.length, OUT);
    for (int g = 0; g < scales.length; g++) {
      for (int o = 0; o < OUT; o++) {
        tensor.row(g).setAtIndex(ValueLayout.JAVA_SHORT, o, Float.floatToFloat16(scales[g][o]));
      }
    }
    tensors.put(name, tensor);
  }

  private static int[][] turned(int[][] rows) {
    return IntStream.range(0, rows[0].length)
        .mapToObj(c -> Arrays.stream(rows).mapToInt(row -> row[c]).toArray())
        .toArray(int[][]::new);
  }

  private void putGptq(Layer layer, int bits, int shift) {
    int[][] columns = turned(layer.q);
    put("a.qweight", turned(Arrays.stream(columns).map(c -> words(c, bits)).toArray(int[][]::new)));
    put(
        "a.qzeros",
        Arrays.stream(layer.zeros)
            .map(row -> Arrays.stream(row).map(z -> z - shift & (1 << bits) - 1).toArray())
            .map(row -> words(row, bits))
            .toArray(int[][]::new));
    putScales("a.scales", layer.scales);
    Tensor groups = Tensor.allocate(arena, Plain.I32, IN);
    MemorySegment.copy(layer.groups, 0, groups.data(), ValueLayout.JAVA_INT, 0, IN);
    tensors.put("a.g_idx", groups);
  }

  private void putAwq(Layer layer) {
    put(
        "a.qweight",
        Arrays.stream(layer.q).map(GptqCheckpointTest::interleaved).toArray(int[][]::new));
    put(
        "a.qzeros",
        Arrays.stream(layer.zeros).map(GptqCheckpointTest::interleaved).toArray(int[][]::new));
    putScales("a.scales", layer.scales);
  }

  private static int[] interleaved(int[] row) {
    int[] order = {0, 2, 4, 6, 1, 3, 5, 7};
    int[] placed = new int[row.length];
    for (int i = 0; i < row.length; i++) {
      placed[i] = row[i / 8 * 8 + order[i % 8]];
    }
    return words(placed, 4);
  }

  private static Config config(String fields) {
    String json = ("{" + fields + "}").replace('\'', '"');
    return Config.parse("config.json", json.getBytes(StandardCharsets.UTF_8));
  }

  private byte[] file() throws IOException {
    Path file = folder.resolve("model.safetensors");
    SafetensorsWriter.write(file, tensors, Map.of());
    return Files.readAllBytes(file);
  }

  private Safetensors stored() throws IOException {
    return Safetensors.of("model.safetensors", MemorySegment.ofArray(file()));
  }

  private void assertWeights(Tensor weight, Layer layer) {
    assertThat(weight.shape()).containsExactly(OUT, IN);
    float[] decoded = Layouts.decode(weight, arena).toArray();
    for (int out = 0; out < OUT; out++) {
      for (int in = 0; in < IN; in++) {
        assertThat(decoded[out * IN + in]).isEqualTo(layer.weight(out, in));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2, 32, false, gptq",
    "3, 32, false, gptq",
    "4, 32, false, gptq",
    "4, 64, false, gptq_v2",
    "4, 96, false, gptq",
    "8, 48, false, gptq",
    "8, 32, false, gptq_v2",
    "2, 32, true, gptq_v2",
    "3, 48, true, gptq",
    "4, 32, true, gptq",
    "8, 64, true, gptq",
  })
  void readsGptq(int bits, int group, boolean reordered, String format) throws IOException {
    Layer layer = layer(bits, group, reordered);
    putGptq(layer, bits, format.equals("gptq") ? 1 : 0);
    Config config =
        config(
            "'quant_method': 'gptq', 'bits': %d, 'group_size': %d, 'checkpoint_format': '%s'"
                .formatted(bits, group == IN ? -1 : group, format));
    Checkpoint checkpoint = GptqCheckpoint.openGptq(stored(), config, arena);
    assertThat(checkpoint.names()).containsExactly("a.weight");
    Tensor weight = checkpoint.tensor("a.weight");
    assertThat(weight.dtype())
        .isEqualTo(new Affine(bits == 8 ? 8 : 4, group == IN ? 0 : group, false));
    assertThat(weight.columnOrder() != null).isEqualTo(reordered);
    assertWeights(weight, layer);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'bits': 4, 'group_size': 32, 'version': 'gemm', 'zero_point': true",
        "'w_bit': 4, 'q_group_size': 32, 'version': 'GEMM', 'zero_point': true"
      })
  void readsAwq(String fields) throws IOException {
    Layer layer = layer(4, 32, false);
    putAwq(layer);
    Checkpoint checkpoint = GptqCheckpoint.openAwq(stored(), config(fields), arena);
    assertWeights(checkpoint.tensor("a.weight"), layer);
  }

  /** Zero points that all stand in the middle are none. */
  @Test
  void symmetricWeightsNeedNoZeroPoints() throws IOException {
    Layer layer = layer(4, 32, false);
    for (int[] row : layer.zeros) {
      Arrays.fill(row, 8);
    }
    putGptq(layer, 4, 1);
    Tensor weight =
        GptqCheckpoint.openGptq(stored(), config("'bits': 4, 'group_size': 32"), arena)
            .tensor("a.weight");
    assertThat(weight.dtype()).isEqualTo(new Affine(4, 32, true));
    assertWeights(weight, layer);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'bits': 5, 'group_size': 32 | bits must be one of [2, 3, 4, 8]",
        "'group_size': 32 | w_bit is missing",
        "'bits': 4, 'group_size': 33 | group_size must be -1 or an even number",
        "'bits': 4, 'group_size': 32, 'checkpoint_format': 'marlin' | gptq or gptq_v2",
        "'bits': 4, 'group_size': 32, 'is_marlin_format': true | is_marlin_format must be false",
        "'bits': 4, 'group_size': 32, 'dynamic': {'+:.*': {'bits': 8}} | dynamic must be empty",
        "'bits': 4, 'group_size': 32, 'rotation': 'hadamard' | unknown field rotation",
        "'bits': 4, 'group_size': 64 | tensor=a.g_idx: input 64 is in group 2",
        "'bits': 8, 'group_size': 32 | tensor=a.",
      })
  void refusesWhatItDoesNotRead(String fields, String message) throws IOException {
    putGptq(layer(4, 32, false), 4, 1);
    Safetensors stored = stored();
    assertThatThrownBy(
            () -> GptqCheckpoint.openGptq(stored, config(fields), arena).tensor("a.weight"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(message);
  }

  /** As models of 2023 have it. */
  @Test
  void theConfigMayStandBesideTheWeights() throws IOException {
    Layer layer = layer(4, 32, false);
    putGptq(layer, 4, 1);
    file();
    Files.writeString(folder.resolve("config.json"), "{}");
    String beside = "{\"bits\": 4, \"group_size\": 32, \"desc_act\": false, \"sym\": false}";
    Files.writeString(folder.resolve("quantize_config.json"), beside);
    assertWeights(Formats.open(folder, arena).tensor("a.weight"), layer);
  }

  @Test
  void aLayerHasAllItsParts() throws IOException {
    putGptq(layer(4, 32, false), 4, 1);
    tensors.remove("a.scales");
    Safetensors stored = stored();
    Config config = config("'bits': 4, 'group_size': 32");
    assertThatThrownBy(() -> GptqCheckpoint.openGptq(stored, config, arena).tensor("a.weight"))
        .hasMessageContaining("tensor=a.scales: is missing");
  }

  @Test
  void awqThatIsNotGemmIsRefused() throws IOException {
    putAwq(layer(4, 32, false));
    Safetensors stored = stored();
    Config config = config("'bits': 4, 'group_size': 32, 'version': 'gemv'");
    assertThatThrownBy(() -> GptqCheckpoint.openAwq(stored, config, arena))
        .hasMessageContaining("version must be gemm");
  }

  @Test
  void damagedFilesAreReadOrRefused() throws IOException {
    putGptq(layer(3, 32, true), 3, 1);
    byte[] file = file();
    Config config = config("'bits': 3, 'group_size': 32");
    int refused =
        Hostile.refused(
            (random, own) -> {
              byte[] damaged = Hostile.safetensors(file, random);
              Safetensors read =
                  Safetensors.of("model.safetensors", MemorySegment.ofArray(damaged));
              Checkpoint checkpoint = GptqCheckpoint.openGptq(read, config, own);
              checkpoint.names().forEach(checkpoint::tensor);
            },
            "model.safetensors");
    assertThat(refused).isBetween(Hostile.MUTATIONS / 4, Hostile.MUTATIONS - 1);
  }
}
