package dev.hone.tensor.kernel.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.x86.BlockForm.Arithmetic;
import dev.hone.tensor.kernel.x86.assembler.Width;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The panels are those that {@link BlockPanels} makes, for processors of every kind. */
class BlockPackingKernelTest {

  @ParameterizedTest
  @CsvSource({
    "NIBBLES, YMM, 13, 32",
    "NIBBLE_DOTS, ZMM, 207, 576",
    "NIBBLE_DOTS, YMM, 16, 64",
    "WORDS, YMM, 13, 96",
    "WORDS, ZMM, 65, 32",
    "DOTS, YMM, 1, 32",
    "DOTS, ZMM, 32, 64",
    "DOTS, ZMM, 207, 576"
  })
  void packsAsJavaDoes(Arithmetic arithmetic, Width width, int rows, int cols) {
    assumeTrue(X86Code.here().code() != null, "no assembled kernels here");
    try (Arena arena = Arena.ofConfined();
        ComputePool pool = new ComputePool(1)) {
      Block type = arithmetic.bits() == 4 ? Block.Q4_0 : Block.Q8_0;
      Tensor floats = Tensor.allocate(arena, Plain.F32, rows, cols);
      var random = new Random(7);
      for (long i = 0; i < floats.size(); i++) {
        floats.data().setAtIndex(Tensor.FLOAT, i, (float) random.nextGaussian());
      }
      Tensor weight = Layouts.encode(floats, type, arena);
      boolean unsigned = arithmetic == Arithmetic.DOTS;
      int columns = 2 * width.floats();
      var wanted = new BlockPanels.Wanted(columns, arithmetic.unit(), unsigned);
      BlockPanels expected = BlockPanels.pack(weight, wanted, arena, pool);
      BlockPanels found = BlockPanels.room(weight, wanted, arena);
      int middle = type == Block.Q4_0 ? 8 : unsigned ? 128 : 0;
      var kernel =
          new BlockPackingKernel(new BlockForm(width, arithmetic, middle, false, Short.BYTES));
      for (int p = 0; p < found.panels(); p++) {
        int first = p * columns;
        int count = Math.min(columns, rows - first);
        MemorySegment lines = weight.slice(first, first + count).data();
        kernel.run(lines, found.data().asSlice(found.at(p)), found.blocks(), count);
      }
      assertThat(found.form()).isEqualTo(expected.form());
      assertThat(found.data().mismatch(expected.data())).isEqualTo(-1);
      assertThatThrownBy(
              () -> kernel.run(weight.data().asSlice(1), found.data(), found.blocks(), rows))
          .isInstanceOfAny(IndexOutOfBoundsException.class, IllegalArgumentException.class);
    }
  }
}
