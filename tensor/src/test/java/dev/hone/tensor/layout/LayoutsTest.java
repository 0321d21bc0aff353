package dev.hone.tensor.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayoutsTest {
  private static final ValueLayout.OfInt LITTLE_ENDIAN_INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Arena arena = Arena.ofAuto();

  @Test
  void bf16RoundsToNearestEven() {
    assertThat(PlainLayout.floatToBf16(1f)).isEqualTo((short) 0x3F80);
    assertThat(PlainLayout.floatToBf16(Float.intBitsToFloat(0x3F808000))).isEqualTo((short) 0x3F80);
    assertThat(PlainLayout.floatToBf16(Float.intBitsToFloat(0x3F808001))).isEqualTo((short) 0x3F81);
    assertThat(PlainLayout.floatToBf16(Float.intBitsToFloat(0x3F818000))).isEqualTo((short) 0x3F82);
    assertThat(PlainLayout.floatToBf16(-0f)).isEqualTo((short) 0x8000);
    assertThat(PlainLayout.floatToBf16(Float.NEGATIVE_INFINITY)).isEqualTo((short) 0xFF80);
    assertThat(PlainLayout.bf16ToFloat(PlainLayout.floatToBf16(Float.intBitsToFloat(0x7F800001))))
        .isNaN();
  }

  @Test
  void refusesWhatATypeCannotHold() {
    Tensor huge = Tensor.copyOf(arena, filled(32, 70_000), 1, 32);
    assertThatThrownBy(() -> Layouts.encode(huge, Plain.F16, arena))
        .hasMessageContaining("70000.0 is past the largest f16");
    Tensor infinite = Tensor.copyOf(arena, filled(32, Float.POSITIVE_INFINITY), 1, 32);
    assertThat(Layouts.decode(Layouts.encode(infinite, Plain.F16, arena), arena).get(0, 0))
        .isInfinite();
    for (DType type :
        List.of(new Affine(4, 32, true), Block.Q8_0, Block.Q4_0, Block.Q4_1, Block.Q5_1)) {
      assertThatThrownBy(() -> Layouts.encode(infinite, type, arena))
          .hasMessageContaining("Infinity at row 0, column 0 cannot be quantized");
    }
    assertThatThrownBy(() -> Layouts.encode(huge, Plain.I8, arena))
        .hasMessageContaining("quantize to int8");
  }

  /** s = (0.7 - -0.8) / 15 = 0.1 in F32, z = round(8) = 8, and q = round(w / s) + z. */
  @Test
  void asymmetric4BitsByHand() {
    float[] w = {-0.8f, 0.7f, 0, 0.1f, 0.26f, -0.34f, 0.6f};
    Tensor q = Layouts.encode(Tensor.copyOf(arena, w, 1, 7), new Affine(4, 0, false), arena);
    assertThat(q.scales().get(0, 0)).isCloseTo(0.1f, within(1e-8f));
    assertThat(q.zeros().data().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 8);
    assertThat(q.data().toArray(ValueLayout.JAVA_BYTE))
        .containsExactly(0xF0, 0x98, 0x5B, 0x0E); // columns 0 and 1, 2 and 3, ...; one nibble spare
  }

  /** s = 1.5 / 7.5 = 0.2: +1.5 would be q = 15.5, clamped; ties go to the even neighbour. */
  @Test
  void symmetric4BitsByHand() {
    float[] w = {1.5f, -1.5f, 0.1f, 0.3f, -0.1f, 0.2f, 0, 0};
    Tensor q = Layouts.encode(Tensor.copyOf(arena, w, 1, 8), new Affine(4, 8, true), arena);
    float scale = q.scales().get(0, 0);
    assertThat(scale).isEqualTo(1.5f / 7.5f);
    assertThat(q.zeros()).isNull();
    float[] back = Layouts.decode(q, arena).toArray();
    assertThat(back[0]).isEqualTo(7 * scale);
    assertThat(back[1]).isEqualTo(-8 * scale);
    assertThat(back[5]).isEqualTo(scale);
    assertThat(back[6]).isZero();
  }

  /** s = (0.9 - -0.6) / 15 = 0.1 for all rows, though none but the first has 0.9; z = 6. */
  @Test
  void aWholeTensorSharesAScale() {
    float[] w = {0.9f, 0.14f, -0.6f, 0.3f};
    Affine type = new Affine(4, 0, false, true);
    assertThat(DType.of("int4-tensor-asym")).isEqualTo(type);
    assertThat(type.label()).isEqualTo("int4-tensor-asym");
    Tensor q = Layouts.encode(Tensor.copyOf(arena, w, 2, 2), type, arena);
    assertThat(q.scales().toArray()).containsExactly(new float[] {0.1f, 0.1f}, within(1e-8f));
    assertThat(q.zeros().data().toArray(ValueLayout.JAVA_BYTE)).containsExactly(6, 6);
    assertThat(Layouts.decode(q, arena).toArray())
        .containsExactly(new float[] {0.9f, 0.1f, -0.6f, 0.3f}, within(1e-6f));
    assertThatThrownBy(() -> new Affine(4, 32, true, true)).hasMessageContaining("group=32");
  }

  @ParameterizedTest
  @CsvSource({
    "4, 32, true",
    "4, 32, false",
    "4, 64, false",
    "4, 128, true",
    "4, 0, false",
    "8, 13, true",
    "8, 0, true",
    "8, 0, false",
    "8, 128, true",
    "8, 32, false",
    "2, 32, true",
    "2, 16, false",
    "3, 0, true",
    "3, 32, false",
    "5, 13, true",
    "5, 32, false",
    "6, 0, false",
    "6, 32, true",
    "7, 0, true",
    "7, 64, false"
  })
  void affineErrorStaysUnderAStep(int bits, int group, boolean symmetric) {
    Affine type = new Affine(bits, group, symmetric);
    for (int cols : new int[] {1, 13, 207, 702}) {
      float[] w = random(5 * cols, cols);
      java.util.Arrays.fill(w, cols, 2 * cols, 0); // a row of zeros
      java.util.Arrays.fill(w, 2 * cols, 3 * cols, -0.25f); // a constant row
      for (Plain scaleType : new Plain[] {Plain.F32, Plain.F16, Plain.BF16}) {
        Tensor q = Layouts.encode(Tensor.copyOf(arena, w, 5, cols), type, scaleType, arena);
        float[] back = Layouts.decode(q, arena).toArray();
        float[] scales = Layouts.decode(q.scales(), arena).toArray();
        for (int i = 0; i < w.length; i++) {
          int g = i % cols / type.groupColumns(cols);
          float step = scales[i / cols * type.groups(cols) + g];
          // half a step by rounding, half by the clamped end or zero, the rest by the scale's
          // rounding
          float bound = step * (1.01f + 255 * roundoff(scaleType));
          assertThat(back[i]).as("%s cols=%d i=%d", q, cols, i).isCloseTo(w[i], within(bound));
        }
        assertThat(back).as("zeros").containsSubsequence(filled(cols, 0));
      }
    }
  }

  /**
   * As compressed-tensors' {@code pack_to_int32} has it: 32 / bits columns a word, rounded down.
   */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5, 6, 7})
  void wordsHoldWholeIntegers(int bits) {
    int cols = 43;
    int perWord = 32 / bits;
    int words = (cols + perWord - 1) / perWord;
    Affine type = new Affine(bits, 0, true);
    Tensor tensor = Layouts.allocate(arena, type, Plain.F32, 2, cols);
    byte[] integers = new byte[cols];
    int[] expected = new int[words];
    for (int i = 0; i < cols; i++) {
      int q = (i * 11 + bits) % (1 << bits);
      integers[i] = (byte) (q - (1 << bits - 1));
      expected[i / perWord] |= q << i % perWord * bits;
    }
    Layouts.write(new IntegerRow(cols, integers, new float[] {0.5f}, null), tensor, 1);
    assertThat(tensor.row(1).toArray(LITTLE_ENDIAN_INT)).isEqualTo(expected);
    assertThat(tensor.row(0).toArray(LITTLE_ENDIAN_INT)).containsOnly(0);
    IntegerRow read = IntegerRow.of(type, cols);
    Layouts.integers(tensor, 1, read);
    assertThat(read.integers()).isEqualTo(integers);
  }

  @ParameterizedTest
  @CsvSource({"2, 16, true", "3, 0, false", "5, 7, true", "6, 0, false", "7, 32, true"})
  void widenedHoldsTheSameNumbers(int bits, int group, boolean symmetric) {
    Tensor w = Tensor.copyOf(arena, random(3 * 70, bits), 3, 70);
    Tensor few = Layouts.encode(w, new Affine(bits, group, symmetric), arena);
    Tensor wide = Layouts.widened(few, arena);
    assertThat(wide.dtype()).isEqualTo(new Affine(bits <= 4 ? 4 : 8, group, symmetric));
    assertThat(Layouts.decode(wide, arena).toArray())
        .isEqualTo(Layouts.decode(few, arena).toArray());
    assertThat(Layouts.widened(wide, arena)).isSameAs(wide);
  }

  @Test
  void errorFallsAsBitsRiseAndGroupsShrink() {
    Tensor w = Tensor.copyOf(arena, random(64 * 384, 3), 64, 384);
    assertThat(
            List.of(
                error(w, new Affine(4, 0, true)),
                error(w, new Affine(4, 128, true)),
                error(w, new Affine(4, 32, true)),
                error(w, new Affine(4, 32, false)),
                error(w, new Affine(8, 0, true)),
                error(w, new Affine(8, 32, true)),
                error(w, Plain.BF16),
                error(w, Plain.F16),
                error(w, Plain.F32)))
        .isSortedAccordingTo(java.util.Comparator.reverseOrder())
        .last()
        .isEqualTo(0.0);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"})
  void blocksDecodeWhatTheyEncode(Block type) {
    float[] w = random(3 * 96, 9);
    java.util.Arrays.fill(w, 96, 192, 0);
    float[] back =
        Layouts.decode(Layouts.encode(Tensor.copyOf(arena, w, 3, 96), type, arena), arena)
            .toArray();
    // half a step of what 4 or 8, one side or both, are divided into; without a shift of its own
    // the other end clamps by a whole step
    float bound =
        switch (type) {
          case Q8_0 -> 4f / 127 * 0.51f;
          case Q4_0 -> 4f / 8 * 1.01f;
          case Q5_0 -> 4f / 16 * 1.01f;
          case Q4_1 -> 8f / 15 * 0.51f;
          default -> 8f / 31 * 0.51f;
        };
    for (int i = 0; i < w.length; i++) {
      assertThat(back[i]).isCloseTo(w[i], within(bound));
    }
  }

  @ParameterizedTest
  @EnumSource(Block.class)
  void blocksArePutTogetherAsTheyAreTakenApart(Block type) {
    var random = new Random(9);
    int cols = 3 * type.columns();
    byte[] levels = Layouts.iq4nlValues();
    int least = type == Block.Q8_0 ? -128 : -type.middle();
    IntegerRow row = IntegerRow.of(type, cols);
    for (int i = 0; i < cols; i++) {
      row.integers()[i] =
          type == Block.IQ4_NL
              ? levels[random.nextInt(levels.length)]
              : (byte) (least + random.nextInt(1 << type.bits()));
    }
    int groups = type.columns() / type.group();
    for (int first = 0; first < row.scales().length; first += groups) {
      float[] scales = new float[groups];
      float[] shifts = type.shifted() ? new float[groups] : null;
      for (int g = 0; g < groups; g++) {
        scales[g] = type.shifted() ? random.nextFloat() : random.nextFloat() - 0.5f;
        if (shifts != null) {
          shifts[g] = -random.nextFloat();
        }
      }
      Layouts.settle(type, scales, shifts);
      System.arraycopy(scales, 0, row.scales(), first, groups);
      if (shifts != null) {
        System.arraycopy(shifts, 0, row.shifts(), first, groups);
      }
    }
    try (Arena arena = Arena.ofConfined()) {
      Tensor tensor = Layouts.allocate(arena, type, Plain.F32, 2, cols);
      Layouts.write(row, tensor, 1);
      IntegerRow read = IntegerRow.of(type, cols);
      Layouts.integers(tensor, 1, read);
      assertThat(read.integers()).isEqualTo(row.integers());
      assertThat(read.scales()).isEqualTo(row.scales());
      assertThat(read.shifts()).isEqualTo(row.shifts());
    }
  }

  @Test
  void affineIntegersAreWrittenAsTheyAre() {
    try (Arena arena = Arena.ofConfined()) {
      var row =
          new IntegerRow(
              4, new byte[] {0, 15, 8, 7, 3, 3}, new float[] {0.5f, 2}, new float[] {-4, 0});
      Tensor tensor = Layouts.allocate(arena, new Affine(4, 4, false), Plain.F16, 1, 6);
      Layouts.write(row, tensor, 0);
      float[] found = new float[6];
      Layouts.decode(tensor, 0, found);
      assertThat(found).containsExactly(-4, 3.5f, 0, -0.5f, 6, 6);
      var between = new IntegerRow(4, new byte[6], new float[] {0.5f, 2}, new float[] {-3.8f, 0});
      assertThatThrownBy(() -> Layouts.write(between, tensor, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no zero point of int4-g4-asym");
      Tensor symmetric = Layouts.allocate(arena, new Affine(4, 4, true), Plain.F16, 1, 6);
      assertThatThrownBy(() -> Layouts.write(row, symmetric, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("column 1: not of int4-g4");
    }
  }

  @Tag("shared")
  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"})
  void blocksAreTheBytesOfLlamaCpp(Block type) throws IOException {
    Safetensors golden = new Safetensors(shared("goldens/gguf/types.safetensors"));
    Tensor source = Tensor.of(Plain.F32, segment(golden.bytes("source")), 8, 512);
    Tensor encoded = Layouts.encode(source, type, arena);
    assertThat(encoded.data().toArray(ValueLayout.JAVA_BYTE))
        .isEqualTo(golden.bytes(type.name() + ".bytes"));
  }

  /** Within one rounding: llama.cpp's compiler may fuse the product and the sum of a shift. */
  @Tag("shared")
  @ParameterizedTest
  @EnumSource(Block.class)
  void blocksHaveTheValuesOfLlamaCpp(Block type) throws IOException {
    Safetensors golden = new Safetensors(shared("goldens/gguf/types.safetensors"));
    boolean matrix = type != Block.Q8_0;
    for (String made : matrix ? List.of("", ".matrix") : List.of("")) {
      MemorySegment bytes = segment(golden.bytes(type.name() + made + ".bytes"));
      Tensor values =
          Tensor.of(Plain.F32, segment(golden.bytes(type.name() + made + ".values")), 8, 512);
      float[] decoded = Layouts.decode(Tensor.of(type, bytes, 8, 512), arena).toArray();
      float[] expected = values.toArray();
      float largest = 0;
      for (float value : expected) {
        largest = Math.max(largest, Math.abs(value));
      }
      for (int i = 0; i < expected.length; i++) {
        float rounding = type.shifted() ? Math.ulp(largest) : 0;
        assertThat(decoded[i]).as("%s[%d]", type, i).isCloseTo(expected[i], within(rounding));
      }
    }
  }

  @Test
  void blocksWantWholeRows() {
    assertThatThrownBy(() -> Tensor.allocate(arena, Block.Q4_K, 2, 128))
        .hasMessageContaining("q4_k needs rows of a multiple of 256 columns: cols=128");
  }

  /**
   * llama.cpp looks for grids that fit; least to largest is not much worse, and no bits are lost.
   */
  @Tag("shared")
  @ParameterizedTest
  @EnumSource(names = {"IQ4_NL", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"})
  void encodesNearlyAsWellAsLlamaCpp(Block type) throws IOException {
    Safetensors golden = new Safetensors(shared("goldens/gguf/types.safetensors"));
    float[] source = Tensor.of(Plain.F32, segment(golden.bytes("source")), 8, 512).toArray();
    Tensor ours = Layouts.encode(Tensor.copyOf(arena, source, 8, 512), type, arena);
    float[] theirs =
        Tensor.of(Plain.F32, segment(golden.bytes(type.name() + ".values")), 8, 512).toArray();
    assertThat(rootMeanSquare(source, Layouts.decode(ours, arena).toArray()))
        .isLessThan(1.45 * rootMeanSquare(source, theirs));
  }

  private static double rootMeanSquare(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) (a[i] - b[i]) * (a[i] - b[i]);
    }
    return Math.sqrt(sum / a.length);
  }

  /** Every linear layer of a model that llm-compressor rounded to nearest. */
  @Tag("shared")
  @ParameterizedTest
  @CsvSource({
    "w4-g32-asymmetric, 4, 32, false", "w4-g128-symmetric, 4, 128, true",
    "w4-g64-symmetric, 4, 64, true", "w8-channel-symmetric, 8, 0, true",
    "w8-g128-symmetric, 8, 128, true"
  })
  void affineIsTheBytesOfCompressedTensors(String folder, int bits, int group, boolean symmetric)
      throws IOException {
    Path models = shared("goldens/compressed-tensors/bert");
    Safetensors original = new Safetensors(models.resolve("original/model.safetensors"));
    Safetensors golden = new Safetensors(models.resolve(folder + "/model.safetensors"));
    Affine type = new Affine(bits, group, symmetric);
    String name = "bert.encoder.layer.0.attention.self.query.weight";
    Tensor q =
        Layouts.encode(Tensor.of(Plain.F32, segment(original.bytes(name)), 128, 128), type, arena);
    byte[] packed = golden.bytes(name + "_packed");
    if (bits == 8) { // stored as q + 128
      for (int i = 0; i < packed.length; i++) {
        packed[i] ^= (byte) 0x80;
      }
    }
    assertThat(q.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(packed);
    assertThat(q.scales().data().toArray(ValueLayout.JAVA_BYTE))
        .isEqualTo(golden.bytes(name + "_scale"));
    if (!symmetric) { // stored four bits each, eight rows a word
      int groups = type.groups(128);
      int[] words = segment(golden.bytes(name + "_zero_point")).toArray(LITTLE_ENDIAN_INT);
      for (int i = 0; i < 128 * groups; i++) {
        int row = i / groups;
        assertThat((int) q.zeros().data().get(ValueLayout.JAVA_BYTE, i))
            .isEqualTo(words[row / 8 * groups + i % groups] >>> row % 8 * 4 & 15);
      }
    }
  }

  private static float roundoff(Plain scaleType) {
    return switch (scaleType) {
      case F16 -> 0x1p-11f;
      case BF16 -> 0x1p-8f;
      default -> 0;
    };
  }

  private double error(Tensor w, DType type) {
    float[] a = w.toArray();
    float[] b = Layouts.decode(Layouts.encode(w, type, arena), arena).toArray();
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.pow(a[i] - b[i], 2);
    }
    return sum;
  }

  private static Path shared(String file) {
    return Path.of(System.getProperty("hone.shared"), file);
  }

  private static MemorySegment segment(byte[] bytes) {
    return MemorySegment.ofArray(bytes);
  }

  private static float[] filled(int n, float value) {
    float[] a = new float[n];
    java.util.Arrays.fill(a, value);
    return a;
  }

  private static float[] random(int n, long seed) {
    Random random = new Random(seed);
    float[] a = new float[n];
    for (int i = 0; i < n; i++) {
      a[i] = Math.clamp((float) random.nextGaussian(), -4, 4);
    }
    return a;
  }
}
