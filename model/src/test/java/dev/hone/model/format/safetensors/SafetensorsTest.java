package dev.hone.model.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.format.FormatException;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {
  @TempDir Path folder;

  @Test
  void readsTensorsAtAnyByte() {
    byte[] data = new byte[13];
    ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).put(0, (byte) 7).putFloat(1, 1.5f);
    ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).putFloat(5, -2f).putFloat(9, 0.25f);
    Safetensors file =
        read(
            """
            {"b": {"shape": [3], "dtype": "F32", "data_offsets": [1, 13]},
             "__metadata__": {"format": "pt"},
             "a": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}}\
            """,
            data);
    assertThat(file.names()).containsExactly("a", "b");
    assertThat(file.metadata()).containsExactly(Map.entry("format", "pt"));
    assertThat(file.tensor("b").toArray()).containsExactly(1.5f, -2f, 0.25f);
    assertThat(file.tensor("a").data().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
    assertThat(file.tensor("a").rank()).isZero();
  }

  @Test
  void refusesATypeItCannotHoldOnlyWhenAsked() {
    Safetensors file =
        read(
            "{\"a\": {\"dtype\": \"F8_E4M3\", \"shape\": [2], \"data_offsets\": [0, 2]}}",
            new byte[2]);
    assertThat(file.names()).containsExactly("a");
    assertThatThrownBy(() -> file.tensor("a"))
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll("test.safetensors", "tensor=a", "dtype=F8_E4M3");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[]                                                                    | the header must be"
            + " an object",
        "{} {}                                                                 | text after",
        "{\"a\": 1}                                                            | a must be an"
            + " object",
        "{\"__metadata__\": {\"a\": 1}}                                        | __metadata__.a"
            + " must be a text",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1]}}                         | data_offsets is"
            + " missing",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"x\": 1}}               | unknown field x",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1.5]}}                       | tensor=a, shape"
            + " must be",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [-1]}}                        | tensor=a, shape",
        "{\"a\": {\"dtype\": \"U8\", \"shape\": [8], \"data_offsets\": [0]}}    | data_offsets=[0]",
        "{\"a\": {\"dtype\": \"U8\", \"shape\": [8], \"data_offsets\": [8, 0]}} | data_offsets=[8,"
            + " 0]",
        "{\"a\": {\"dtype\": \"U8\", \"shape\": [9], \"data_offsets\": [0, 9]}} | past the file",
        "{\"a\": {\"dtype\": \"U8\", \"shape\": [7], \"data_offsets\": [0, 7]}} | bytes without a"
            + " tensor",
        "{\"a\": {\"dtype\": \"U8\", \"shape\": [7], \"data_offsets\": [1, 8]}} | leaves a hole",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [3], \"data_offsets\": [0, 8]}} | takes 12 bytes,"
            + " data_offsets give it 8",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [281474976710656, 281474976710656],"
            + " \"data_offsets\": [0, 8]}} | too large",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [99999999999999999999], \"data_offsets\": [0, 8]}}"
            + " | not JSON",
        "{\"a\": {\"dtype\": \"U8\", \"shape\": [8], \"data_offsets\": [0, 8]}, \"a\": {}} |"
            + " Duplicate field 'a'",
        "{\"a\": {\"dtype\": \"U8\", \"shape\": [8], \"data_offsets\": [0, 8]}, \"b\": {\"dtype\":"
            + " \"U8\", \"shape\": [4], \"data_offsets\": [4, 8]}} | overlaps",
        "{\"a\": [[[[[[[[[[]]]]]]]]]]}                                         | a must be an"
            + " object",
      })
  void namesWhatIsWrong(String header, String message) {
    assertThatThrownBy(() -> read(header, new byte[8]))
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll("test.safetensors", message);
  }

  @ParameterizedTest
  @ValueSource(longs = {3, 1_000_000, 100_000_001, Long.MAX_VALUE, -1})
  void refusesAHeaderLongerThanTheFile(long length) {
    byte[] bytes = new byte[10];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
    assertThatThrownBy(() -> Safetensors.of("test.safetensors", MemorySegment.ofArray(bytes)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("header length=" + Long.toUnsignedString(length));
  }

  @Test
  void writesWhatItReads() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      Map<String, Tensor> tensors = new HashMap<>();
      for (Plain dtype : Plain.values()) {
        Tensor tensor = Tensor.allocate(arena, dtype, 3, 5);
        for (int i = 0; i < tensor.data().byteSize(); i++) {
          tensor.data().set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31 + dtype.bytes()));
        }
        tensors.put("ü \"" + dtype, tensor);
      }
      tensors.put("empty", Tensor.allocate(arena, Plain.F32, 0, 4));
      tensors.put("scalar", Tensor.allocate(arena, Plain.I64));
      Path file = folder.resolve("model.safetensors");
      SafetensorsWriter.write(file, tensors, Map.of("a", "b"));
      Safetensors first = Safetensors.open(file, arena);
      SafetensorsWriter.write(file, Map.of(), Map.of());
      // The first file is still whole in the mapping, though another lies in its place.
      assertSame(first, tensors);
      assertThat(first.metadata()).isEqualTo(Map.of("a", "b"));
      assertThat(Safetensors.open(file, arena).names()).isEmpty();
      assertThat(Files.size(file)).isEqualTo(16);
      try (var files = Files.list(folder)) {
        assertThat(files).containsExactly(file);
      }
    }
  }

  @Test
  void refusesToWriteQuantizedTensors() {
    try (Arena arena = Arena.ofConfined()) {
      Tensor tensor = Tensor.allocate(arena, DType.Block.Q8_0, 1, 32);
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> SafetensorsWriter.write(folder.resolve("x"), Map.of("a", tensor), Map.of()))
          .withMessageContaining("tensor=a, q8_0");
      assertThat(folder).isEmptyDirectory();
    }
  }

  @ParameterizedTest
  @Tag("shared")
  @ValueSource(
      strings = {
        "goldens/bert",
        "goldens/gpt2",
        "goldens/compressed-tensors/bert/w4-g32-asymmetric"
      })
  void writesTheBytesOfTheReferenceImplementation(String golden) throws IOException {
    Path original = Path.of(System.getProperty("hone.shared"), golden, "model.safetensors");
    try (Arena arena = Arena.ofConfined()) {
      Safetensors read = Safetensors.open(original, arena);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      read.names().forEach(name -> tensors.put(name, read.tensor(name)));
      Path written = folder.resolve("model.safetensors");
      SafetensorsWriter.write(written, tensors, read.metadata());
      assertThat(Files.mismatch(original, written)).isEqualTo(-1);
    }
  }

  private static void assertSame(Safetensors file, Map<String, Tensor> tensors) {
    assertThat(file.names()).containsExactlyInAnyOrderElementsOf(tensors.keySet());
    tensors.forEach(
        (name, tensor) -> {
          Tensor read = file.tensor(name);
          assertThat(read).hasToString(tensor.toString());
          assertThat(read.data().mismatch(tensor.data())).as(name).isEqualTo(-1);
        });
  }

  static Safetensors read(String header, byte[] data) {
    return Safetensors.of("test.safetensors", MemorySegment.ofArray(bytes(header, data)));
  }

  static byte[] bytes(String header, byte[] data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data)
        .array();
  }
}
