package dev.hone.tensor.kernel.x86;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.LimitLoops.Peak;
import dev.hone.tensor.kernel.x86.IntegerProductKernel.Form;
import dev.hone.tensor.kernel.x86.TileWriter.Tile;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every kernel's bytes mean what its listing says: the goldens are what GNU objdump reads from the
 * bytes. {@code tensor/disassemble} makes them, on any machine; no CPU feature is needed.
 */
class ListingTest {

  static List<Assembly> assemblies() {
    List<Assembly> all =
        new ArrayList<>(List.of(CpuFeatures.cpuidCode(), CpuFeatures.xgetbvCode()));
    all.add(ProductKernel.assemble(Tile.AVX2, ProductKernel.Form.FLOATS));
    all.add(ProductKernel.assemble(Tile.AVX512, ProductKernel.Form.FLOATS));
    all.add(ProductKernel.assemble(Tile.AVX512_NARROW, ProductKernel.Form.FLOATS));
    all.add(ProductKernel.assemble(Tile.AVX512, ProductKernel.Form.PAIRS));
    all.add(PairRowsKernel.assemble());
    for (Form form : Form.values()) {
      all.add(IntegerProductKernel.assemble(Tile.AVX2, form));
      all.add(IntegerProductKernel.assemble(Tile.AVX512, form));
      all.add(RoundingKernel.assemble(Input.DYNAMIC_INT8, form));
      all.add(RoundingKernel.assemble(Input.DYNAMIC_INT8_SYMMETRIC, form));
      all.add(RoundingKernel.assemble(Input.StaticInt8.of(-1, 2), form));
    }
    for (AmxForm form : AmxForm.values()) {
      all.add(AmxProductKernel.assemble(form));
    }
    SparseTilesKernel.FORMS.forEach(form -> all.add(SparseTilesKernel.assemble(form)));
    all.add(AmxRowsKernel.assemble(AmxForm.BF16));
    all.add(AmxRowsKernel.assemble(AmxForm.FLOATS));
    all.add(AmxRoundingKernel.assemble(Input.DYNAMIC_INT8));
    all.add(AmxRoundingKernel.assemble(Input.DYNAMIC_INT8_SYMMETRIC));
    all.add(AmxRoundingKernel.assemble(Input.StaticInt8.of(-1, 2)));
    for (Width width : List.of(Width.YMM, Width.ZMM)) {
      for (BlockForm form : blockForms(width)) {
        all.add(BlockProductKernel.assemble(form, 1));
        if (!form.shifted()) { // a tile and some rows more
          all.add(BlockPackingKernel.assemble(form));
          all.add(BlockProductKernel.assemble(form, form.height() + 1));
        }
        if (width == Width.ZMM && form.arithmetic().dots()) {
          all.add(AmxWideningKernel.assemble(form));
          all.add(AmxProductKernel.assemble(form, false));
          all.add(AmxProductKernel.assemble(form, true));
        }
        if (width == Width.YMM) {
          all.add(BlockRoundingKernel.assemble(BlockRoundingKernel.Form.of(form)));
        }
      }
    }
    for (Width width : List.of(Width.YMM, Width.ZMM)) {
      for (boolean residual : new boolean[] {false, true}) {
        all.add(NormKernel.assemble(new NormKernel.Form(false, residual, false), width));
        all.add(NormKernel.assemble(new NormKernel.Form(true, residual, false), width));
        all.add(NormKernel.assemble(new NormKernel.Form(true, residual, true), width));
      }
    }
    all.add(SoftmaxKernel.assemble());
    for (int parts : new int[] {1, 2, 3}) {
      all.add(SplitRowsKernel.assemble(parts));
      all.add(SplitPairsKernel.assemble(parts));
      all.add(SplitProductKernel.assemble(parts));
    }
    all.add(SplitSoftmaxKernel.assemble(1));
    all.add(SplitSoftmaxKernel.assemble(2));
    all.add(KeyDotsKernel.assemble());
    all.add(ValueSumKernel.assemble());
    all.add(TransposeKernel.assemble(Tile.AVX2.columns()));
    all.add(TransposeKernel.assemble(Tile.AVX512_NARROW.columns()));
    for (RowsKernel.Operation operation : RowsKernel.Operation.values()) {
      all.add(RowsKernel.assemble(operation));
    }
    all.addAll(Widening.assemblies(Width.YMM, Tile.AVX2.columns()));
    all.addAll(Widening.assemblies(Width.ZMM, Tile.AVX512.columns()));
    for (Width width : List.of(Width.YMM, Width.ZMM)) {
      all.add(X86Limits.multiplyAdd(width));
      all.add(X86Limits.read(width));
      for (Form form : Form.values()) {
        all.add(X86Limits.integerDot(width, form));
      }
    }
    all.add(X86Limits.pairDot());
    all.add(X86Limits.tiles(Peak.BF16_TILES));
    all.add(X86Limits.tiles(Peak.INT8_TILES));
    for (Activation activation : Activation.values()) {
      for (Width width : List.of(Width.YMM, Width.ZMM)) {
        all.add(ActivationKernel.assemble(new ActivationKernel.Form(activation, false), width));
        all.add(ActivationKernel.assemble(new ActivationKernel.Form(activation, true), width));
      }
    }
    return all;
  }

  /** Each arithmetic, scales of both sizes. */
  private static List<BlockForm> blockForms(Width width) {
    List<BlockForm> forms = new ArrayList<>();
    for (BlockForm.Arithmetic arithmetic : BlockForm.Arithmetic.values()) {
      int middle = arithmetic.bits() == 4 ? 8 : arithmetic == BlockForm.Arithmetic.DOTS ? 128 : 0;
      forms.add(new BlockForm(width, arithmetic, middle, false, Short.BYTES));
      forms.add(new BlockForm(width, arithmetic, 0, true, Float.BYTES));
    }
    return forms;
  }

  @ParameterizedTest
  @MethodSource("assemblies")
  void meansWhatItsListingSays(Assembly assembly) throws IOException {
    String file = assembly.name() + ".txt";
    try (InputStream golden = getClass().getResourceAsStream(file)) {
      assertThat(golden).as("%s is missing: run tensor/disassemble", file).isNotNull();
      String read = new String(golden.readAllBytes(), StandardCharsets.UTF_8);
      assertThat(assembly.listing()).isEqualTo(read.lines().toList());
    }
  }

  /** Writes the instructions of each kernel to a file of the folder given. */
  public static void main(String[] args) throws IOException {
    for (Assembly assembly : assemblies()) {
      byte[] code = Arrays.copyOf(assembly.bytes(), assembly.codeBytes());
      Files.write(Path.of(args[0], assembly.name() + ".bin"), code);
    }
  }
}
