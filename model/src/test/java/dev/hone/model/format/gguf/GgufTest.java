package dev.hone.model.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.format.FormatException;
import dev.hone.model.format.gguf.GgufWriter.Pending;
import dev.hone.model.format.gguf.MetadataValue.Text;
import dev.hone.model.format.gguf.MetadataValue.Whole;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufTest {
  @TempDir private Path folder;
  private final Arena arena = Arena.ofConfined();
  private Path file;

  @BeforeEach
  void write() throws IOException {
    file = folder.resolve("sample.gguf");
    SampleGguf.write(file, SampleGguf.metadata(), SampleGguf.tensors(arena));
  }

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void readsEveryKindThatItWrote() {
    Metadata metadata = GgufFile.open(file, arena).metadata();
    assertThat(metadata.values().keySet())
        .containsExactlyElementsOf(SampleGguf.metadata().keySet());
    assertThat(metadata.text("general.architecture")).isEqualTo("llama");
    assertThat(metadata.integer("uint8", 0, 255)).isEqualTo(255);
    assertThat(metadata.integer("int8", -128, 0)).isEqualTo(-128);
    assertThat(metadata.integer("uint16", 0, 65_535)).isEqualTo(65_535);
    assertThat(metadata.integer("int16", -32_768, 0)).isEqualTo(-32_768);
    assertThat(metadata.number("uint32")).isEqualTo(4_294_967_295.0);
    assertThat(metadata.integer("int32", Integer.MIN_VALUE, 0)).isEqualTo(Integer.MIN_VALUE);
    assertThat(metadata.values().get("uint64")).hasToString("18446744073709551615");
    assertThat(metadata.values().get("int64")).hasToString("-9223372036854775808");
    assertThat(metadata.number("float32")).isEqualTo(0.1f);
    assertThat(metadata.number("float64")).isEqualTo(0.1);
    assertThat(metadata.flag("true", false)).isTrue();
    assertThat(metadata.flag("false", true)).isFalse();
    assertThat(metadata.texts("texts")).containsExactly("", "Ġthe", "🦙");
    assertThat(metadata.integers("integers")).containsExactly(1, -2, 3);
    assertThat(metadata.integers("bytes")).containsExactly(255, 1);
    assertThat(metadata.floats("floats")).containsExactly(0.5f, -0f, Float.MAX_VALUE);
    assertThat(metadata.flags("flags")).containsExactly(false, true);
    assertThat(metadata.texts("none")).isEmpty();
  }

  @Test
  void tensorsAreViewsOfTheMappedFile() {
    GgufFile read = GgufFile.open(file, arena);
    SampleGguf.tensors(arena)
        .forEach(
            (name, tensor) -> {
              Tensor same = read.tensor(name);
              assertThat(same.data().isMapped()).isTrue();
              assertThat(read.tensors().get(name).offset() % 32).isZero();
              assertThat(same).hasToString(tensor.toString());
              assertThat(same.data().mismatch(tensor.data())).as(name).isEqualTo(-1);
            });
  }

  @Test
  void namesWhatIsMissingOrOfAnotherKind() {
    Metadata metadata = GgufFile.open(file, arena).metadata();
    assertThatThrownBy(() -> metadata.text("llama.block_count"))
        .isInstanceOf(FormatException.class)
        .hasMessage(file + ": key=llama.block_count is missing");
    assertThatThrownBy(() -> metadata.integer("uint32", 0, 1000))
        .hasMessageEndingWith("key=uint32 must be a whole number from 0 to 1000, not 4294967295");
    assertThatThrownBy(() -> metadata.text("texts"))
        .hasMessageEndingWith("key=texts must be a text, not STRING[3]");
    assertThatThrownBy(() -> metadata.integers("floats"))
        .hasMessageContaining("key=floats must be an array of whole numbers");
    assertThatThrownBy(() -> GgufFile.open(file, arena).tensor("blk.0.attn_q.weight"))
        .hasMessageEndingWith("has no tensor blk.0.attn_q.weight");
    assertThatThrownBy(() -> Gguf.open(folder.resolve("no.gguf"), arena))
        .hasMessageEndingWith("no.gguf is missing");
  }

  /** Places of the first tensor's fields follow from its name. */
  @ParameterizedTest
  @CsvSource({
    "0, 1, 9, rank=9: at most 4 is allowed",
    "4, 8, 0, dimension=0: must be at least 1",
    "4, 8, -1, dimension=18446744073709551615: must be at least 1",
    "12, 4, 4, type=4 is not known",
    "12, 4, 2, Q4_0 needs rows of a multiple of 32 columns: shape=[5]",
    "16, 8, 31, 'offset=31, length=20: must begin at a multiple of 32'",
    "16, 8, 64000, 'offset=64000, length=20: ends past the file'",
    "16, 8, 32, 'begins within'"
  })
  void namesTheTensorThatIsWrong(int field, int width, long value, String message)
      throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int at = indexOf(bytes, "norm.weight") + "norm.weight".length() + field;
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    switch (width) {
      case 1 -> buffer.put(at, (byte) value);
      case 4 -> buffer.putInt(at, (int) value);
      default -> buffer.putLong(at, value);
    }
    assertThatThrownBy(() -> GgufFile.of("x.gguf", MemorySegment.ofArray(bytes)))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("x.gguf: tensor=")
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 5, is not a GGUF file: it begins with 0x46554705",
    "4, 1, 'version=1: 2 and 3 are read; convert the model again'",
    "4, 50331648, the file is big-endian; only little-endian ones are read",
    "8, 2000000000, tensor count=2000000000: at most 1048576 are allowed",
    "16, 65000, key count=65000: the",
  })
  void refusesAnotherBeginning(int at, int value, String message) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    if (at == 0) {
      bytes[0] = (byte) value;
    } else {
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
    }
    assertThatThrownBy(() -> GgufFile.of("x.gguf", MemorySegment.ofArray(bytes)))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("x.gguf")
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 23, 40, 700})
  void saysThatAFileIsCutOff(int length) throws IOException {
    MemorySegment cut = MemorySegment.ofArray(Files.readAllBytes(file)).asSlice(0, length);
    assertThatThrownBy(() -> GgufFile.of("x.gguf", cut))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("x.gguf")
        .hasMessageContaining("the download is probably incomplete");
  }

  /** IQ4_XS: looked at, not run. */
  @Test
  void aTypeThatDoesNotRunIsNamedWithItsTensor() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int at = indexOf(bytes, "super.weight") + "super.weight".length() + 4 + 16;
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(at, 23);
    GgufFile read = GgufFile.of("x.gguf", MemorySegment.ofArray(bytes));
    assertThat(read.tensors().get("super.weight").bytes()).isEqualTo(136);
    assertThatThrownBy(() -> read.tensor("super.weight"))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(
            "x.gguf: tensor=super.weight is IQ4_XS, which is not supported; take a file of the"
                + " model in one of F32, F16, Q4_0");
  }

  @Test
  void honoursAnotherAlignment() throws IOException {
    byte[] data = new byte[4];
    data[0] = 42;
    byte[] head = new byte[500];
    ByteBuffer out = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(GgufFile.MAGIC).putInt(2).putLong(1).putLong(1);
    text(out, "general.alignment").putInt(4).putInt(256);
    text(out, "w").putInt(1).putLong(1).putInt(0).putLong(0);
    byte[] bytes = java.util.Arrays.copyOf(java.util.Arrays.copyOf(head, out.position()), 260);
    bytes[256] = 42;
    GgufFile read = GgufFile.of("x.gguf", MemorySegment.ofArray(bytes));
    assertThat(read.tensor("w").data().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 42);
    bytes[indexOf(bytes, "alignment") + "alignment".length() + 4] = 3;
    assertThatThrownBy(() -> GgufFile.of("x.gguf", MemorySegment.ofArray(bytes)))
        .hasMessage("x.gguf: key=general.alignment must be a power of two, not 259");
  }

  private static ByteBuffer text(ByteBuffer out, String text) {
    return out.putLong(text.length()).put(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  @Test
  void refusesArraysOfArrays() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int at = indexOf(bytes, "integers") + "integers".length() + 4;
    bytes[at] = 9;
    assertThatThrownBy(() -> GgufFile.of("x.gguf", MemorySegment.ofArray(bytes)))
        .hasMessageContaining("key=integers: arrays of arrays are not read");
  }

  @Test
  void readsAModelInSeveralFilesFromAnyOfThem() throws IOException {
    Map<String, Tensor> all = SampleGguf.tensors(arena);
    List<String> names = List.copyOf(all.keySet());
    for (int part = 0; part < 3; part++) {
      Map<String, MetadataValue> metadata =
          part == 0 ? SampleGguf.metadata() : new LinkedHashMap<>();
      metadata.put("split.no", new Whole(MetadataKind.UINT16, part));
      metadata.put("split.count", new Whole(MetadataKind.UINT16, 3));
      metadata.put("split.tensors.count", new Whole(MetadataKind.INT32, all.size()));
      Map<String, Tensor> some = new LinkedHashMap<>();
      for (int i = part; i < names.size(); i += 3) {
        some.put(names.get(i), all.get(names.get(i)));
      }
      SampleGguf.write(folder.resolve("m-0000" + (part + 1) + "-of-00003.gguf"), metadata, some);
    }
    for (int part = 1; part <= 3; part++) {
      Gguf model = Gguf.open(folder.resolve("m-0000" + part + "-of-00003.gguf"), arena);
      assertThat(model.metadata().text("general.architecture")).isEqualTo("llama");
      assertThat(model.tensors()).hasSize(all.size());
      all.forEach(
          (name, tensor) ->
              assertThat(model.tensor(name).data().mismatch(tensor.data())).isEqualTo(-1));
    }
    Files.delete(folder.resolve("m-00002-of-00003.gguf"));
    assertThatThrownBy(() -> Gguf.open(folder.resolve("m-00003-of-00003.gguf"), arena))
        .hasMessageEndingWith("m-00002-of-00003.gguf is missing");
    Files.copy(folder.resolve("m-00003-of-00003.gguf"), folder.resolve("m-00002-of-00003.gguf"));
    assertThatThrownBy(() -> Gguf.open(folder.resolve("m-00003-of-00003.gguf"), arena))
        .hasMessageContaining("is in " + folder.resolve("m-00002-of-00003.gguf") + " too");
    Path renamed = folder.resolve("n.gguf");
    Files.copy(folder.resolve("m-00001-of-00003.gguf"), renamed);
    assertThatThrownBy(() -> Gguf.open(renamed, arena))
        .hasMessageContaining("split.count=3, but the name says 1");
  }

  @Test
  void writesNothingThatCannotBeRead() {
    Tensor tensor = Tensor.allocate(arena, Plain.F32, 1);
    assertThatThrownBy(
            () ->
                GgufWriter.write(
                    folder.resolve("a.gguf"), Map.of(), Map.of("x".repeat(64), Pending.of(tensor))))
        .hasMessageContaining("llama.cpp reads names of up to 63 bytes");
    assertThatThrownBy(
            () ->
                GgufWriter.write(
                    folder.resolve("a.gguf"),
                    Map.of("general.alignment", new Whole(MetadataKind.UINT32, 64)),
                    Map.of()))
        .hasMessageContaining("general.alignment is the writer's");
    Tensor scales = Tensor.allocate(arena, Plain.F32, 1, 1);
    Tensor affine = Tensor.affine(new Affine(8, 0, true), arena.allocate(4), 1, 4, scales, null);
    assertThatThrownBy(() -> Pending.of(affine)).hasMessageContaining("GGUF has no such type");
    assertThatThrownBy(
            () ->
                GgufWriter.write(
                    folder.resolve("a.gguf"),
                    Map.of("general.name", Text.of("half written")),
                    Map.of(
                        "x",
                        new Pending(
                            GgufType.F32,
                            new long[] {1},
                            _ -> {
                              throw new IllegalStateException("no more memory");
                            }))))
        .hasMessage("no more memory");
    assertThat(folder).isDirectoryNotContaining(path -> !path.endsWith("sample.gguf"));
  }

  /** What llama.cpp's converter wrote, read and written again, is the same file. */
  @Tag("shared")
  @ParameterizedTest
  @ValueSource(strings = {"llama", "llama3-rope", "qwen2", "mixtral", "gpt2", "gpt-neox"})
  void writesWhatLlamaCppsConverterWrites(String name) throws IOException {
    Path golden = Path.of(System.getProperty("hone.shared"), "goldens/gguf", name + ".gguf");
    Gguf model = Gguf.open(golden, arena);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    model.tensors().forEach(entry -> tensors.put(entry.name(), model.tensor(entry.name())));
    Path copy = folder.resolve("copy.gguf");
    SampleGguf.write(copy, model.metadata().values(), tensors);
    assertThat(copy).hasSameBinaryContentAs(golden);
  }

  private static int indexOf(byte[] bytes, String text) {
    String all = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
    assertThat(all).contains(text);
    return all.indexOf(text);
  }
}
