package dev.hone.model.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.gguf.InMemory;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class BitmasksTest {
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void close() {
    arena.close();
  }

  /** As {@code bitmask_compress} of the compressed-tensors library has it. */
  @Test
  void liesAsTheSpecificationSays() {
    float[] values = {0, 1, 0, 2, 0, 0, 0, 0, 0, 4, -0f, 0, 0, 0, 0, 0, 0, 0, 0, 5};
    Map<String, Tensor> parts = encoded(Tensor.copyOf(arena, values, 2, 10)).tensors();
    assertThat(parts).doesNotContainKey("layer.weight");
    assertThat(parts.get("layer.compressed").toArray()).containsExactly(1, 2, 4, 5);
    assertThat(parts.get("layer.bitmask").data().toArray(ValueLayout.JAVA_BYTE))
        .containsExactly(0b1010, 0b10, 0, 0b10);
    assertThat(parts.get("layer.row_offsets").data().toArray(ValueLayout.JAVA_LONG))
        .containsExactly(0, 3);
    assertThat(parts.get("layer.shape").data().toArray(ValueLayout.JAVA_LONG))
        .containsExactly(2, 10);
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void isReadBackAsItWas(Plain type) {
    Random random = new Random(1);
    float[] values = new float[13 * 37];
    for (int i = 37; i < values.length; i++) { // the first row has no number
      values[i] = random.nextInt(3) == 0 ? (float) random.nextGaussian() : 0;
    }
    Tensor weight = Layouts.encode(Tensor.copyOf(arena, values, 13, 37), type, arena);
    Encoded encoded = encoded(weight);
    JsonNode sparsity = encoded.quantizationConfig().orElseThrow().get("sparsity_config");
    assertThat(sparsity.get("format").asText()).isEqualTo("sparse-bitmask");
    assertThat(sparsity.get("targets").get(0).asText()).isEqualTo("layer");
    assertThat(sparsity.get("global_sparsity").asDouble()).isBetween(0.6, 0.75);
    Checkpoint read = read(encoded, encoded.tensors());
    assertThat(read.names()).contains("layer.weight").doesNotContain("layer.bitmask");
    assertThat(read.tensor("layer.weight").dtype()).isEqualTo(type);
    assertThat(read.tensor("layer.weight").data().mismatch(weight.data())).isEqualTo(-1);
    long bytes =
        encoded.tensors().entrySet().stream()
            .filter(e -> e.getKey().startsWith("layer."))
            .mapToLong(e -> e.getValue().sizeBytes())
            .sum();
    assertThat(bytes).isLessThan(weight.sizeBytes());
  }

  @Test
  void leavesWeightsWithFewZerosAsTheyAre() {
    float[] values = new float[4 * 64];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 8; // an eighth
    }
    Encoded encoded = encoded(Tensor.copyOf(arena, values, 4, 64));
    assertThat(encoded.tensors()).containsKey("layer.weight");
    assertThat(encoded.quantizationConfig()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "bitmask, layer.bitmask: is missing",
    "row_offsets, layer.row_offsets: is missing",
    "shape, layer.shape: is missing"
  })
  void refusesWhatIsNotWhole(String part, String message) {
    Encoded encoded = encoded(half());
    Map<String, Tensor> tensors = new HashMap<>(encoded.tensors());
    tensors.remove("layer." + part);
    assertThatThrownBy(() -> read(encoded, tensors).tensor("layer.weight"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(message);
  }

  @Test
  void refusesPartsThatDoNotFitEachOther() {
    Encoded encoded = encoded(half());
    Map<String, Tensor> tensors = new HashMap<>(encoded.tensors());
    tensors.put("layer.compressed", Tensor.allocate(arena, Plain.F32, 127));
    assertThatThrownBy(() -> read(encoded, tensors).tensor("layer.weight"))
        .hasMessageContaining("more bits set than there are numbers");
    tensors.put("layer.compressed", Tensor.allocate(arena, Plain.F32, 129));
    assertThatThrownBy(() -> read(encoded, tensors).tensor("layer.weight"))
        .hasMessageContaining("bitmask has bits for 128 of them");
    tensors.put("layer.compressed", Tensor.allocate(arena, Plain.I32, 128));
    assertThatThrownBy(() -> read(encoded, tensors).tensor("layer.weight"))
        .hasMessageContaining("must be a row of F32, F16 or BF16");
    tensors.putAll(encoded.tensors());
    tensors.put("layer.row_offsets", Tensor.allocate(arena, Plain.I64, 4));
    assertThatThrownBy(() -> read(encoded, tensors).tensor("layer.weight"))
        .hasMessageContaining("row 1 must begin at 32");
    tensors.putAll(encoded.tensors());
    tensors.put("layer.bitmask", Tensor.allocate(arena, Plain.U8, 4, 9));
    assertThatThrownBy(() -> read(encoded, tensors).tensor("layer.weight"))
        .hasMessageContaining("[4, 64] does not fit bitmask");
  }

  /** Every second number is zero. */
  private Tensor half() {
    float[] values = new float[4 * 64];
    for (int i = 0; i < values.length; i += 2) {
      values[i] = i + 1;
    }
    return Tensor.copyOf(arena, values, 4, 64);
  }

  private Encoded encoded(Tensor weight) {
    return EncoderTest.encode("layer", weight, Input.FLOAT, arena);
  }

  private Checkpoint read(Encoded encoded, Map<String, Tensor> tensors) {
    ObjectNode config = new ObjectMapper().createObjectNode();
    config.set("quantization_config", encoded.quantizationConfig().orElseThrow());
    return CompressedTensors.open(new InMemory(tensors), new Config("config.json", config), arena);
  }
}
