package dev.hone.model.format.onnx;

import static dev.hone.model.format.onnx.ModelProto.FLOAT;
import static dev.hone.model.format.onnx.ModelProto.counting;
import static dev.hone.model.format.onnx.ModelProto.message;
import static dev.hone.model.format.onnx.ModelProto.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.CodedOutputStream;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.Formats;
import dev.hone.model.format.onnx.ModelProto.Content;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxTest {
  private static final String NAME = "a.dense.weight";

  @TempDir Path folder;
  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void rawNumbersStayInTheFile() {
    byte[] file = model(tensor(NAME, FLOAT, counting(3, 4), 2, 2));
    MemorySegment bytes = MemorySegment.ofArray(file);
    Tensor tensor = Onnx.of("test.onnx", bytes, folder, arena).tensor(NAME);
    assertThat(tensor.toArray()).containsExactly(3, 4, 5, 6);
    assertThat(tensor.shape()).containsExactly(2, 2);
    assertThat(tensor.data().heapBase()).containsSame(file);
  }

  /** One number of every type: the field it stands in, and its bytes as we hold it. */
  @ParameterizedTest
  @CsvSource({
    "1, F32, float, 0000803f",
    "11, F64, double, 000000000000f03f",
    "7, I64, int64, ffffffffffffffff",
    "6, I32, int32, ffffffff",
    "5, I16, int32, ffff",
    "3, I8, int32, ff",
    "2, U8, int32, ff",
    "9, BOOL, int32, 01",
    "10, F16, int32, 003c",
    "16, BF16, int32, 803f",
  })
  void readsTypedNumbers(int type, Plain dtype, String field, String hex) {
    long number = number(hex);
    Content numbers =
        switch (field) {
          case "float" -> packed(4, out -> out.writeFloatNoTag(1));
          case "double" -> packed(10, out -> out.writeDoubleNoTag(1));
          case "int64" -> packed(7, out -> out.writeInt64NoTag(number));
          default -> packed(5, out -> out.writeInt32NoTag((int) number));
        };
    Tensor tensor = open(tensor(NAME, type, numbers, 1)).tensor(NAME);
    assertThat(tensor.dtype()).isEqualTo(dtype);
    assertThat(hex(tensor)).isEqualTo(hex);
  }

  @Test
  void readsANumberThatIsNotPacked() {
    assertThat(open(tensor(NAME, FLOAT, out -> out.writeFloat(4, 2.5f))).tensor(NAME).toArray())
        .containsExactly(2.5f);
    assertThat(hex(open(tensor(NAME, 7, out -> out.writeInt64(7, 300), 1)).tensor(NAME)))
        .isEqualTo("2c01000000000000");
  }

  @Test
  void readsTensorsWithoutNumbers() {
    assertThat(open(tensor(NAME, FLOAT, out -> {}, 0, 5)).tensor(NAME).size()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 | 2, 3 | 5 | take 24 bytes, it has 20",
        "1 | 2, -1 | 5 | dimension 1 is -1",
        "1 | 1099511627776, 1099511627776 | 5 | is too large",
        "1 | 1099511627776, 1099511627776, 0 | 0 | is too large",
        "1 | 1, 1, 1, 1, 1, 1, 1, 1, 1 | 1 | dimension 8 is 1",
        "8 | 5 | 5 | data_type=8 is not supported",
        "21 | 5 | 5 | data_type=21 is not supported",
      })
  void refusesTensorsThatLie(int type, String dims, int numbers, String message) {
    long[] shape =
        List.of(dims.split(",")).stream().mapToLong(d -> Long.parseLong(d.strip())).toArray();
    assertThatThrownBy(() -> open(tensor(NAME, type, counting(0, numbers), shape)).tensor(NAME))
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll("test.onnx", message);
  }

  @Test
  void refusesNumbersThatAreFewerOrMoreThanPromised() {
    Content three =
        packed(
            5,
            out -> {
              out.writeInt32NoTag(1);
              out.writeInt32NoTag(1000);
              out.writeInt32NoTag(3);
            });
    assertThat(hex(open(tensor(NAME, 6, three, 3)).tensor(NAME)))
        .isEqualTo("01000000e803000003000000");
    for (long size : new long[] {2, 4, 5, 1L << 40}) {
      assertThatThrownBy(() -> open(tensor(NAME, 6, three, size)).tensor(NAME))
          .isInstanceOf(FormatException.class)
          .hasMessageContainingAll("test.onnx: tensor=" + NAME, "promise " + size + " numbers");
    }
    assertThatThrownBy(() -> open(tensor(NAME, FLOAT, three, 3)))
        .hasMessageContaining("numbers of f32 stand in field 5, not 4");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\0", "\n\0", "GGUF", "8\0", "{\"a\": 1}"})
  void refusesOtherFiles(String content) throws IOException {
    Path file = Files.writeString(folder.resolve("x.onnx"), content);
    assertThatThrownBy(() -> Onnx.open(file, arena))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("x.onnx");
  }

  @Test
  void refusesWhatItWouldHaveToGuess() {
    assertThatThrownBy(() -> open(tensor(NAME, 1, out -> out.writeByteArray(3, new byte[0]))))
        .hasMessageContaining("segments are not supported");
    byte[] twice = model(tensor(NAME, 1, out -> {}, 0), tensor(NAME, 1, out -> {}, 0));
    assertThatThrownBy(() -> open(twice)).hasMessageContaining("tensor=" + NAME + " stands twice");
    byte[] sparse = new ModelProto().node("Relu", "", List.of(), "y").field(15, out -> {}).bytes();
    assertThatThrownBy(() -> open(sparse)).hasMessageContaining("sparse initializers");
  }

  @Test
  void aMissingTensorIsNamed() {
    Onnx onnx = open(tensor(NAME, FLOAT, out -> {}, 0));
    assertThatThrownBy(() -> onnx.tensor("b.weight"))
        .isInstanceOf(FormatException.class)
        .hasMessage("test.onnx has no tensor b.weight");
  }

  @Test
  void readsNumbersFromFilesBesideIt() throws IOException {
    Files.createDirectory(folder.resolve("data"));
    Files.write(
        folder.resolve("data/model.onnx_data"), new byte[] {9, 0, 0, -128, 63, 0, 0, 0, 64, 7});
    Path file = folder.resolve("model.onnx");
    Files.write(
        file, model(external(2, "location", "data/model.onnx_data", "offset", "1", "length", "8")));
    assertThat(Formats.open(folder, arena).tensor(NAME).toArray()).containsExactly(1, 2);
    assertThat(Formats.open(file, arena).tensor(NAME).toArray()).containsExactly(1, 2);
    Path inside = Files.createDirectory(folder.resolve("onnx"));
    Files.move(folder.resolve("data"), inside.resolve("data"));
    Files.move(file, inside.resolve("model.onnx"));
    assertThat(Formats.open(folder, arena).tensor(NAME).toArray()).containsExactly(1, 2);
  }

  @ParameterizedTest
  @CsvSource({
    "/etc/passwd, 0, 8, must be a path below",
    "../model.data, 0, 8, must be a path below",
    "x/../../model.data, 0, 8, must be a path below",
    "., 0, 8, must be a path below",
    "'', 0, 8, must be a path below",
    "'a\0b', 0, 8, is no path",
    "gone.data, 0, 8, cannot be read",
    "model.data, 3, 8, ends past the file",
    "model.data, 9223372036854775807, 8, ends past the file",
    "model.data, -1, 8, must be a whole number",
    "model.data, x, 8, must be a whole number",
    "model.data, 0, 7, external_data.length=7",
    "model.data, 0, 9223372036854775807, external_data.length",
  })
  void refusesOtherFilesThanThose(String location, String offset, String length, String message)
      throws IOException {
    Files.write(folder.resolve("model.data"), new byte[10]);
    Onnx onnx = open(model(external(2, "location", location, "offset", offset, "length", length)));
    assertThatThrownBy(() -> onnx.tensor(NAME))
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll("test.onnx: tensor=" + NAME, message);
  }

  private static Content external(long size, String... entries) {
    return tensor(
        NAME,
        FLOAT,
        out -> {
          for (int i = 0; i < entries.length; i += 2) {
            String key = entries[i];
            String value = entries[i + 1];
            out.writeByteArray(
                13,
                message(
                    e -> {
                      e.writeString(1, key);
                      e.writeString(2, value);
                    }));
          }
          out.writeEnum(14, 1);
        },
        size);
  }

  private static Content packed(int field, Content numbers) {
    return (CodedOutputStream out) -> out.writeByteArray(field, message(numbers));
  }

  private static byte[] model(Content... tensors) {
    ModelProto model = new ModelProto().node("Relu", "", List.of("x"), "y");
    for (Content tensor : tensors) {
      model.initializer(tensor);
    }
    // Keeps the common beginning of all names empty.
    return model.weight("z.dense.weight", 0, 2).bytes();
  }

  private Onnx open(Content tensor) {
    return open(model(tensor));
  }

  private Onnx open(byte[] file) {
    return Onnx.of("test.onnx", MemorySegment.ofArray(file), folder, arena);
  }

  /** The number of which these are the bytes, low one first. */
  private static long number(String hex) {
    long number = 0;
    for (int i = hex.length() - 2; i >= 0; i -= 2) {
      number = number << 8 | Long.parseLong(hex.substring(i, i + 2), 16);
    }
    return number;
  }

  private static String hex(Tensor tensor) {
    return java.util.HexFormat.of().formatHex(tensor.data().toArray(ValueLayout.JAVA_BYTE));
  }
}
