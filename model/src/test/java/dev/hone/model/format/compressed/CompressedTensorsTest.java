package dev.hone.model.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CompressedTensorsTest {
  private static final String FOUR_BITS =
      "{'num_bits': 4, 'type': 'int', 'symmetric': false, 'strategy': 'group', 'group_size': 2}";

  private final Arena arena = Arena.ofConfined();
  private final Map<String, Tensor> tensors = new HashMap<>();

  @AfterEach
  void close() {
    arena.close();
  }

  /** Columns 0..4 of two rows, in groups of two. */
  private void putFourBits() {
    // Columns 0..4 of row 0 are 1, 2, 3, 4, 5; of row 1 15, 14, 13, 12, 11: unsigned, 8 a word.
    put("a.weight_packed", Plain.I32, words(0x00054321, 0x000bcdef), 2, 1);
    put("a.weight_shape", Plain.I64, longs(2, 5), 2);
    put("a.weight_scale", Plain.F32, floats(1, 10, 100, 0.5f, 1, 2), 2, 3);
    // One word a group; row 0 in the low bits: zero points 3, 0, 5 and 8, 15, 1.
    put("a.weight_zero_point", Plain.I32, words(0x83, 0xf0, 0x15), 1, 3);
  }

  @Test
  void unpacksFourBits() {
    putFourBits();
    Checkpoint checkpoint = open(FOUR_BITS, "pack-quantized");
    assertThat(checkpoint.names()).containsExactly("a.weight");
    assertThat(checkpoint.input("a")).isEqualTo(Input.FLOAT);
    Tensor weight = checkpoint.tensor("a.weight");
    assertThat(weight.dtype()).isEqualTo(new Affine(4, 2, false));
    assertThat(weight.data().address()).isEqualTo(tensors.get("a.weight_packed").data().address());
    assertThat(decoded(weight)).containsExactly(-2, -1, 30, 40, 0, 3.5f, 3, -2, -3, 20);
  }

  @Test
  void unpacksEightBitsThatArePadded() {
    put("a.weight_packed", Plain.I32, words(0x827f8081, 0x000000ff, 0x00000000, 0x00000001), 2, 2);
    put("a.weight_shape", Plain.I64, longs(2, 5), 2);
    put("a.weight_scale", Plain.F32, floats(1, 2), 2, 1);
    Checkpoint checkpoint =
        open(
            "{'num_bits': 8, 'type': 'int', 'symmetric': true, 'strategy': 'channel'}",
            "pack-quantized");
    assertThat(decoded(checkpoint.tensor("a.weight")))
        .containsExactly(1, 0, -1, 2, 127, -256, -256, -256, -256, -254);
  }

  @Test
  void readsSignedBytes() {
    put("a.weight", Plain.I8, bytes(-8, 7, 1, 0, -1, 2), 2, 3);
    put("a.weight_scale", Plain.F32, floats(0.5f), 1);
    put("a.weight_zero_point", Plain.I8, bytes(-1), 1);
    put("b.weight", Plain.F32, floats(9), 1);
    Checkpoint eight =
        open(
            "{'num_bits': 8, 'type': 'int', 'symmetric': false, 'strategy': 'tensor'}",
            "int-quantized");
    assertThat(decoded(eight.tensor("a.weight"))).containsExactly(-3.5f, 4, 1, 0.5f, 0, 1.5f);
    assertThat(eight.names()).containsExactly("a.weight", "b.weight");
    assertThat(eight.tensor("b.weight").toArray()).containsExactly(9);
    Checkpoint four =
        open(
            "{'num_bits': 4, 'type': 'int', 'symmetric': false, 'strategy': 'tensor'}",
            "naive-quantized");
    assertThat(four.tensor("a.weight").dtype()).isEqualTo(new Affine(4, 0, false, true));
    assertThat(decoded(four.tensor("a.weight"))).containsExactly(-3.5f, 4, 1, 0.5f, 0, 1.5f);
    put("a.weight", Plain.I8, bytes(-9, 7, 1, 0, -1, 2), 2, 3);
    assertThatThrownBy(
            () ->
                open(
                        "{'num_bits': 4, 'type': 'int', 'symmetric': false, 'strategy': 'tensor'}",
                        "int-quantized")
                    .tensor("a.weight"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tensor=a.weight: numbers outside -8..7");
  }

  @Test
  void choosesTheMostExactTarget() {
    Config config =
        json(
            """
            {'quant_method': 'compressed-tensors', 'format': 'mixed-precision', 'ignore': ['re:.*skip', 'head'],
             'config_groups': {
               'all': {'targets': ['Linear'], 'weights': {'num_bits': 8}, 'format': 'int-quantized'},
               'some': {'targets': ['re:model\\\\.mlp', 'model.o'], 'format': 'pack-quantized',
                        'weights': {'num_bits': 4, 'group_size': 32}},
               'words': {'targets': ['Embedding'], 'format': 'pack-quantized',
                         'weights': {'num_bits': 4, 'group_size': -1}},
               'none': {'targets': ['model.mlp.plain']}}}\
            """);
    QuantizationConfig read = QuantizationConfig.read(config);
    assertThat(read.scheme("model.q").orElseThrow().perTensor()).isTrue();
    assertThat(read.scheme("model.mlp.up").orElseThrow().group()).isEqualTo(32);
    assertThat(read.scheme("model.o").orElseThrow().bits()).isEqualTo(4);
    // A pattern must match from the beginning.
    assertThat(read.scheme("the.model.mlp.up").orElseThrow().bits()).isEqualTo(8);
    assertThat(read.scheme("model.embed_tokens").orElseThrow().group()).isZero();
    assertThat(read.scheme("model.mlp.plain")).isEmpty();
    assertThat(read.scheme("model.mlp.skip")).isEmpty();
    assertThat(read.scheme("head")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'quant_method': 'gptq', 'bits': 4}                                     | quant_method"
            + " must be compressed-tensors",
        "{'quant_method': 'compressed-tensors'}                                  | config_groups is"
            + " missing",
        "{'quant_method': 'compressed-tensors', 'kv_cache_scheme': {'a': 1}}     | kv_cache_scheme"
            + " must be null",
        "{'quant_method': 'compressed-tensors', 'transform_config': {'a': 1}}    | transform_config"
            + " must be empty",
        "{'quant_method': 'compressed-tensors', 'sparsity_config': {'format': 'sparse-24-bitmask'}}"
            + " | sparsity_config must be dense or sparse-bitmask",
        "{'quant_method': 'compressed-tensors', 'quantization_status': 'calibration'} |"
            + " quantization_status must be",
        "{'quant_method': 'compressed-tensors', 'new': 1}                        | unknown field"
            + " new",
        "{'quant_method': 'compressed-tensors', 'config_groups': {'a': null}}    | a must be an"
            + " object",
        "{'quant_method': 'compressed-tensors', 'ignore': ['re:(']}               | re:(",
        "{'quant_method': 'compressed-tensors', 'ignore': 1}                     | ignore must be a"
            + " list",
      })
  void refusesWhatItDoesNotDo(String quantization, String message) {
    assertThatThrownBy(() -> QuantizationConfig.read(json(quantization)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'weights': {'num_bits': 1}                                        | num_bits must be fro"
            + "m 2 to 8",
        "'weights': {'type': 'float'}                                      | type must be int",
        "'weights': {'strategy': 'block'}                                  | strategy must be one"
            + " of",
        "'weights': {'strategy': 'group'}                                  | group_size is missing",
        "'weights': {'num_bits': 4, 'group_size': 3}                       | group_size must be"
            + " even",
        "'weights': {'block_structure': [1, 2]}                            | block_structure must"
            + " be null",
        "'weights': {'actorder': 'group'}                                  | actorder must be null",
        "'weights': {'dynamic': true}                                      | dynamic must be false",
        "'weights': {'more': 1}                                            | unknown field more",
        "'weights': {}, 'output_activations': {}                           | output_activations"
            + " must be null",
        "'weights': {}, 'format': 'nvfp4-pack-quantized'                   | format must be one of",
        "'weights': {}, 'format': 'dense'                                  | format must be"
            + " compressed",
        "'weights': {}, 'more': {}                                         | unknown field more",
        "'input_activations': {}                                           | weights must be set",
        "'weights': {}, 'input_activations': {'dynamic': false, 'strategy': 'token'} | strategy"
            + " must be tensor",
        "'weights': {}, 'input_activations': {'dynamic': true, 'strategy': 'tensor'} | strategy"
            + " must be token",
        "'weights': {}, 'input_activations': {'dynamic': true, 'strategy': 'token', 'num_bits': 4}"
            + " | num_bits must be 8",
        "'weights': {}, 'input_activations': {'dynamic': true, 'strategy': 'token', 'type':"
            + " 'float'} | type must be int",
      })
  void refusesSchemesItDoesNotKnow(String group, String message) {
    Config config =
        json(
            "{'quant_method': 'compressed-tensors', 'format': 'int-quantized', 'config_groups':"
                + " {'g': {'targets': ['Linear'], "
                + group
                + "}}}");
    assertThatThrownBy(() -> QuantizationConfig.read(config))
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll("config_groups: g", message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "weight_shape is missing", "weight_scale is missing", "weight_zero_point is missing",
        "weight_packed must be i32", "weight_scale must be float", "weight_zero_point must fit",
        "weight_shape must fit", "weight_scale must fit", "weight_g_idx must be in order"
      })
  void namesTheTensorThatIsWrong(String what) {
    putFourBits();
    String name = "a." + what.split(" ")[0];
    switch (what.substring(what.indexOf(' ') + 1)) {
      case "is missing" -> tensors.remove(name);
      case "must be i32" -> put(name, Plain.U8, new byte[8], 2, 4);
      case "must be float" -> put(name, Plain.I32, new byte[24], 2, 3);
      case "must be in order" -> put(name, Plain.I32, words(0, 0, 1, 2, 1), 5);
      case "must fit" -> {
        Tensor tensor = tensors.get(name);
        put(name, (Plain) tensor.dtype(), new byte[(int) tensor.data().byteSize()], tensor.size());
      }
      default -> throw new AssertionError(what);
    }
    assertThatThrownBy(() -> open(FOUR_BITS, "pack-quantized").tensor("a.weight"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tensor=" + name);
  }

  @Test
  void acceptsColumnGroupsThatKeepTheOrder() {
    putFourBits();
    put("a.weight_g_idx", Plain.I32, words(0, 0, 1, 1, 2), 5);
    assertThat(open(FOUR_BITS, "pack-quantized").tensor("a.weight").rows()).isEqualTo(2);
  }

  @Test
  void refusesFactorsThatDoNotFit() {
    Tensor weight =
        Layouts.encode(Tensor.copyOf(arena, new float[12], 3, 4), new Affine(8, 0, true), arena);
    var input = new Input.StaticInt8(1, 0, ColumnFactors.of(1, 2, 3));
    assertThatThrownBy(() -> reread(weight, input).input("layer"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("layer.input_factors")
        .hasMessageContaining("must have the shape [4]");
    reread(weight, new Input.StaticInt8(1, 0));
    tensors.put("layer.input_factors", Tensor.copyOf(arena, new float[4], 4));
    Checkpoint read = open(EncoderTest.encode("layer", weight, new Input.StaticInt8(1, 0), arena));
    assertThatThrownBy(() -> read.input("layer"))
        .hasMessageContaining("the strategy of input_activations is tensor");
  }

  private Checkpoint reread(Tensor weight, Input input) {
    Encoded encoded = EncoderTest.encode("layer", weight, input, arena);
    tensors.clear();
    tensors.putAll(encoded.tensors());
    return open(encoded);
  }

  private Checkpoint open(Encoded encoded) {
    ObjectNode config = new ObjectMapper().createObjectNode();
    config.set("quantization_config", encoded.quantizationConfig().orElseThrow());
    return CompressedTensors.open(stored(), new Config("config.json", config), arena);
  }

  @Test
  void refusesQuantizedLayersThatTheConfigDoesNotName() {
    put("a.weight", Plain.I8, bytes(1), 1, 1);
    put("a.weight_scale", Plain.F32, floats(1), 1, 1);
    assertThatThrownBy(
            () ->
                CompressedTensors.open(
                    stored(),
                    json(
                        "{'quantization_config': {'quant_method': 'compressed-tensors', 'ignore':"
                            + " ['a'], 'config_groups': {}}}"),
                    arena))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("does not quantize the layer a");
  }

  @Test
  void stopsPatternsThatTakeForever() {
    QuantizationConfig config =
        QuantizationConfig.read(
            json(
                "{'quant_method': 'compressed-tensors', 'ignore': ['re:.*.*.*.*.*.*b'],"
                    + " 'config_groups': {}}"));
    assertThatThrownBy(() -> config.scheme("a".repeat(100) + "c"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("re:.*.*.*.*.*.*b takes too long");
  }

  @ParameterizedTest
  @CsvSource({
    "8,0,true",
    "8,0,false",
    "8,5,false",
    "4,0,true",
    "4,32,false",
    "4,6,false",
    "2,4,true",
    "3,32,false",
    "3,0,true",
    "5,0,false",
    "6,8,true",
    "7,5,false"
  })
  void packsWhatItUnpacks(int bits, int group, boolean symmetric) {
    packsWhatItUnpacks(new Affine(bits, group, symmetric));
  }

  @ParameterizedTest
  @CsvSource({"8,true", "8,false", "4,true", "4,false", "3,false"})
  void packsOneScaleForAllAsOne(int bits, boolean symmetric) {
    Affine type = new Affine(bits, 0, symmetric, true);
    packsWhatItUnpacks(type);
    Tensor tensor = Layouts.encode(matrix(), type, arena);
    Encoded written = EncoderTest.encode("layer", tensor, Input.FLOAT, arena);
    assertThat(written.tensors().get("layer.weight_scale").shape()).containsExactly(1);
    if (!symmetric) {
      assertThat(written.tensors().get("layer.weight_zero_point").shape()).containsExactly(1);
    }
  }

  private Tensor matrix() {
    float[] values = new float[7 * 37];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i * 1.7) + 0.3f;
    }
    return Tensor.copyOf(arena, values, 7, 37);
  }

  private void packsWhatItUnpacks(Affine type) {
    Tensor tensor = Layouts.encode(matrix(), type, arena);
    List<Input> inputs = new ArrayList<>(List.of(Input.Kind.values()));
    inputs.add(new Input.StaticInt8(0.03125f, 77));
    float[] factors = new float[37];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = 1 + i / 8f;
    }
    inputs.add(new Input.StaticInt8(0.03125f, 77, ColumnFactors.of(factors)));
    inputs.remove(Input.BF16); // the config says of it, not the layout
    for (Input input : inputs) {
      Checkpoint read = reread(tensor, input);
      assertThat(read.tensor("layer.weight").dtype()).isEqualTo(tensor.dtype());
      assertThat(decoded(read.tensor("layer.weight"))).isEqualTo(decoded(tensor));
      assertThat(read.input("layer")).isEqualTo(input);
    }
  }

  @Test
  void refusesWhatTheLayoutCannotHold() {
    Tensor blocks = Tensor.allocate(arena, dev.hone.tensor.DType.Block.Q4_0, 2, 32);
    assertThatExceptionOfType(FormatException.class)
        .isThrownBy(() -> EncoderTest.encode("layer", blocks, Input.FLOAT, arena))
        .withMessageContaining("layer.weight is q4_0");
    Tensor plain = Tensor.allocate(arena, Plain.F16, 2, 32);
    assertThatExceptionOfType(FormatException.class)
        .isThrownBy(() -> EncoderTest.encode("layer", plain, Input.DYNAMIC_INT8, arena))
        .withMessageContaining("layer.weight is f16");
    Tensor int8 = Layouts.encode(plain, new Affine(8, 0, true), arena);
    assertThatExceptionOfType(FormatException.class)
        .isThrownBy(() -> EncoderTest.encode("2_Dense/linear", int8, Input.FLOAT, arena))
        .withMessageContaining("2_Dense/linear.weight is int8-channel");
  }

  private Checkpoint open(String weights, String format) {
    return CompressedTensors.open(
        stored(),
        json(
            "{'quantization_config': {'quant_method': 'compressed-tensors', 'format': '"
                + format
                + "', 'config_groups': {'g': {'targets': ['a'], 'weights': "
                + weights
                + "}}}}"),
        arena);
  }

  private Checkpoint stored() {
    Map<String, Tensor> held = Map.copyOf(tensors);
    return new Checkpoint() {
      @Override
      public String source() {
        return "test";
      }

      @Override
      public Set<String> names() {
        return held.keySet();
      }

      @Override
      public Tensor tensor(String name) {
        return held.get(name);
      }

      @Override
      public long fileBytes() {
        return 0;
      }
    };
  }

  private void put(String name, Plain dtype, byte[] bytes, long... shape) {
    MemorySegment data = arena.allocate(bytes.length);
    data.copyFrom(MemorySegment.ofArray(bytes));
    tensors.put(name, Tensor.of(dtype, data, shape));
  }

  private float[] decoded(Tensor tensor) {
    return Layouts.decode(tensor, arena).toArray();
  }

  private static Config json(String text) {
    try {
      return new Config(
          "config.json", (ObjectNode) new ObjectMapper().readTree(text.replace('\'', '"')));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(text, e);
    }
  }

  private static byte[] words(int... words) {
    ByteBuffer buffer = ByteBuffer.allocate(words.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asIntBuffer().put(words);
    return buffer.array();
  }

  private static byte[] longs(long... longs) {
    ByteBuffer buffer = ByteBuffer.allocate(longs.length * 8).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asLongBuffer().put(longs);
    return buffer.array();
  }

  private static byte[] floats(float... floats) {
    return MemorySegment.ofArray(floats).toArray(ValueLayout.JAVA_BYTE);
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }
}
