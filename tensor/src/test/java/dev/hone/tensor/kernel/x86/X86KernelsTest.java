package dev.hone.tensor.kernel.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hone.tensor.Activation;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelCases;
import dev.hone.tensor.kernel.KernelCases.Linear;
import dev.hone.tensor.kernel.KernelCases.Values;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.kernel.Processor;
import dev.hone.tensor.kernel.TierTest;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.TilePanels;
import dev.hone.tensor.kernel.vector.VectorKernels;
import dev.hone.tensor.kernel.x86.AmxProductKernel.Factors;
import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import dev.hone.tensor.kernel.x86.RowsKernel.Operation;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where the tier can run; elsewhere the build says how many tests it left out. */
@EnabledIf("available")
class X86KernelsTest extends TierTest {

  private static final Input.StaticInt8 STATIC = Input.StaticInt8.of(-1, 5);

  static boolean available() {
    return X86Kernels.availability().available();
  }

  @Override
  protected Kernels tier(ComputePool pool) {
    return new X86Kernels(pool, new VectorKernels(pool));
  }

  /**
   * Of two parts of 8 bits the product of the lesser ones is left out: up to 2^-15 of a product, of
   * a sum far less.
   */
  @Override
  protected float floatLoss() {
    return X86Code.here().code().hasTiles() ? 4 : 1;
  }

  @Override
  protected boolean roundsToBf16(Input input, int rows) {
    return input.equals(Input.BLOCK_INT8)
        && TiledBlockProduct.multiplies(rows, X86Code.here().code());
  }

  @Test
  void findsTheFeaturesThatTheSystemFinds() {
    Set<Feature> features = CpuFeatures.detect();
    Set<String> system = Processor.here().features();
    assertThat(features.contains(Feature.AVX2_FMA))
        .isEqualTo(system.contains("avx2") && system.contains("fma") && system.contains("f16c"));
    assertThat(features.contains(Feature.AVX512))
        .isEqualTo(system.contains("avx512bw") && system.contains("avx512dq"));
    assertThat(features.contains(Feature.AVX512_VNNI)).isEqualTo(system.contains("avx512_vnni"));
    assertThat(features.contains(Feature.AVX_VNNI)).isEqualTo(system.contains("avx_vnni"));
    assertThat(features.contains(Feature.AVX512_BF16)).isEqualTo(system.contains("avx512_bf16"));
    assertThat(features.contains(Feature.AMX_INT8)).isEqualTo(system.contains("amx_int8"));
    assertThat(features.contains(Feature.AMX_BF16)).isEqualTo(system.contains("amx_bf16"));
  }

  static List<Input> sharedInputs() {
    return KernelCases.inputs(96);
  }

  /** The same numbers bit by bit: how tasks are cut changes no sum's order. */
  @ParameterizedTest
  @MethodSource("sharedInputs")
  void severalProductsOfOneInputAreThoseOfEach(Input input) {
    DType bytes = new Affine(8, 0, true);
    List<DType> types =
        List.of(bytes, bytes, Block.Q8_0, Block.Q4_0, Block.Q4_0, Plain.BF16, Plain.F32, Plain.F32);
    try (ComputePool pool = new ComputePool(2);
        Arena arena = Arena.ofShared()) {
      Kernels tier = tier(pool);
      for (int tokens : new int[] {1, 7, 40}) {
        Tensor x = KernelCases.tensor(arena, Values.NORMAL, 1, tokens, 96);
        List<Kernels.Product> products = new ArrayList<>();
        List<Tensor> expected = new ArrayList<>();
        for (DType type : types) {
          var c = new Linear(type, tokens, 96, 33 + 29 * products.size(), Values.NORMAL);
          Tensor weight = KernelCases.weight(arena, c, 2 + products.size());
          PackedMatrix packed = tier.pack(weight, input, arena);
          Tensor bias = KernelCases.tensor(arena, Values.NORMAL, 3, c.out());
          Activation activation = type == Plain.F32 ? Activation.GELU : Activation.NONE;
          Tensor y = Tensor.allocate(arena, Plain.F32, tokens, c.out());
          products.add(new Kernels.Product(packed, bias, activation, y));
          expected.add(Tensor.allocate(arena, Plain.F32, tokens, c.out()));
          tier.linear(x, packed, bias, activation, expected.getLast());
        }
        tier.linear(x, products);
        for (int i = 0; i < expected.size(); i++) {
          assertThat(products.get(i).y().toArray()).isEqualTo(expected.get(i).toArray());
        }
      }
    }
  }

  /** Every operand ends where memory ends: a byte too far would end the process. */
  @Test
  void staysWithinItsSegments() {
    staysWithinItsSegments(X86Code.here().code().product());
    staysWithinItsSegments(X86Code.here().code().narrowProduct());
    if (X86Code.here().code().hasPairs()) {
      staysWithinItsSegments(X86Code.here().code().pairs().product());
    }
  }

  private static void staysWithinItsSegments(ProductKernel product) {
    Random random = new Random(1);
    for (int round = 0; round < 300; round++) {
      int rows = 1 + random.nextInt(3 * product.height());
      int depth = 1 + random.nextInt(70);
      int panels = 1 + random.nextInt(3);
      int aStride = 4 * (depth + random.nextInt(5));
      int row = 4 * product.columns();
      int panel = depth * row;
      int bStride = panel + 4 * random.nextInt(5);
      int cStride = panels * row + 4 * random.nextInt(5);
      int startStep = random.nextBoolean() ? row : 0;
      try (GuardedMemory a = new GuardedMemory((rows - 1L) * aStride + 4L * depth);
          GuardedMemory b = new GuardedMemory((panels - 1L) * bStride + panel);
          GuardedMemory c = new GuardedMemory((rows - 1L) * cStride + (long) panels * row);
          GuardedMemory start = new GuardedMemory((panels - 1L) * startStep + row)) {
        Consumer<MemorySegment> multiply =
            x ->
                product.run(
                    x,
                    aStride,
                    b.segment(),
                    bStride,
                    c.segment(),
                    cStride,
                    rows,
                    depth,
                    panels,
                    start.segment(),
                    startStep);
        multiply.accept(a.segment());
        for (ActivationKernel activation : X86Code.here().code().activations()) {
          long numbers = c.segment().byteSize() / 4;
          activation.run(c.segment(), 0, c.segment(), c.segment(), 0, 1, numbers);
          activation.run(a.segment(), aStride, a.segment(), a.segment(), aStride, rows, depth);
        }
        assertThatThrownBy(() -> multiply.accept(a.segment().asSlice(4)))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }

  @Test
  void widensWithinItsSegments() {
    int columns = X86Code.here().code().product().columns();
    Widening widening = X86Code.here().code().widening();
    for (Widening.Form form : Widening.forms()) {
      WideningKernel kernel = widening.kernel(form);
      for (int features = 2; features < 10; features += 2) {
        int numbers = features * columns;
        long bytes = (long) numbers * form.source().bytes() / form.source().features();
        int shiftBytes = form.shift().bytes(columns);
        try (GuardedMemory data = new GuardedMemory(bytes);
            GuardedMemory out = new GuardedMemory(4L * numbers);
            GuardedMemory scales = new GuardedMemory(4L * columns);
            GuardedMemory shifts = new GuardedMemory(shiftBytes)) {
          kernel.run(data.segment(), out.segment(), features, scales.segment(), shifts.segment());
          int more = features + 1;
          assertThatThrownBy(
                  () ->
                      kernel.run(
                          data.segment(), out.segment(), more, scales.segment(), shifts.segment()))
              .isInstanceOf(IndexOutOfBoundsException.class);
        }
      }
    }
  }

  @Test
  void triesWhatWidensBeforeItIsUsed() {
    X86Code code = X86Code.here().code();
    var f16 = new Widening.Form(Widener.Source.F16, Widener.Shift.NONE);
    var bf16 = new Widening.Form(Widener.Source.BF16, Widener.Shift.NONE);
    try (var trial = new WideningTrial(f16, code.product().columns())) {
      WideningKernel other = code.widening().kernel(bf16);
      assertThatThrownBy(() -> trial.tried(other))
          .hasMessageContaining("the self-test of widening");
      FewRowsKernel few = code.widening().fewRows(bf16, 2);
      assertThatThrownBy(() -> trial.tried(few, 2))
          .hasMessageContaining("the self-test of few rows");
    }
  }

  @Test
  void multipliesFewRowsWithinItsSegments() {
    int columns = X86Code.here().code().product().columns();
    Widening widening = X86Code.here().code().widening();
    int depth = 40;
    int group = 16; // the last one is half as long
    int groups = 3;
    for (Widening.Form form : Widening.forms()) {
      for (int rows = 1; rows <= FewRowsKernel.MOST_ROWS; rows++) {
        FewRowsKernel kernel = widening.fewRows(form, rows);
        long numbers = (long) depth * columns;
        int shiftBytes = (groups - 1) * form.shift().stride(columns) + form.shift().bytes(columns);
        try (GuardedMemory a = new GuardedMemory(4L * rows * depth);
            GuardedMemory data =
                new GuardedMemory(numbers * form.source().bytes() / form.source().features());
            GuardedMemory sums = new GuardedMemory(FewRowsKernel.sumBytes(columns, rows));
            GuardedMemory c = new GuardedMemory(4L * rows * columns);
            GuardedMemory start = new GuardedMemory(4L * columns);
            GuardedMemory scales = new GuardedMemory(4L * groups * columns);
            GuardedMemory shifts = new GuardedMemory(shiftBytes)) {
          kernel.run(
              a.segment(),
              4L * depth,
              data.segment(),
              sums.segment(),
              c.segment(),
              4L * columns,
              start.segment(),
              scales.segment(),
              shifts.segment(),
              depth,
              form.source().scaled() ? group : depth);
        }
      }
    }
  }

  @Test
  void readsPanelsWithoutZerosWithinTheirSegments() {
    X86Code code = X86Code.here().code();
    assumeTrue(code.has(Feature.AVX512));
    int columns = code.product().columns();
    int depth = 40;
    try (Arena arena = Arena.ofConfined();
        ComputePool pool = new ComputePool(1)) {
      for (Plain type : List.of(Plain.F32, Plain.F16, Plain.BF16)) {
        var linear = new KernelCases.Linear(type, 1, depth, columns, KernelCases.Values.NORMAL);
        var sparse = new KernelCases.Sparse(linear, 0.5);
        Tensor weight = KernelCases.weight(arena, sparse, 2);
        SparsePanels panels = SparsePanels.pack(weight, columns, arena, pool);
        long bitBytes = panels.bitsAt(0, depth); // the kernels need no more
        try (GuardedMemory bits = new GuardedMemory(bitBytes);
            GuardedMemory numbers = new GuardedMemory(panels.numbers().byteSize());
            GuardedMemory out = new GuardedMemory(4L * depth * columns)) {
          bits.segment().copyFrom(panels.bits().asSlice(0, bitBytes));
          numbers.segment().copyFrom(panels.numbers());
          SparseWideningKernel widening = code.widening().sparse(type);
          widening.run(bits.segment(), numbers.segment(), out.segment(), depth);
          assertThatThrownBy(
                  () -> widening.run(bits.segment(), numbers.segment(), out.segment(), depth + 1))
              .isInstanceOf(IndexOutOfBoundsException.class);
          for (int rows = 1; rows <= SparseRowsKernel.MOST_ROWS; rows++) {
            try (GuardedMemory a = new GuardedMemory(4L * rows * depth);
                GuardedMemory c = new GuardedMemory(4L * rows * columns);
                GuardedMemory start = new GuardedMemory(4L * columns)) {
              code.widening()
                  .sparseRows(new SparseRowsKernel.Form(type, columns, rows))
                  .run(
                      a.segment(),
                      4L * depth,
                      bits.segment(),
                      numbers.segment(),
                      c.segment(),
                      4L * columns,
                      start.segment(),
                      depth);
            }
          }
        }
      }
    }
  }

  @Test
  void makesTilesOfPanelsWithoutZerosWithinTheirSegments() {
    X86Code code = X86Code.here().code();
    assumeTrue(code.hasTiles());
    int columns = AmxForm.COLUMNS;
    int depth = 64;
    try (Arena arena = Arena.ofConfined();
        ComputePool pool = new ComputePool(1)) {
      for (AmxForm form : SparseTilesKernel.FORMS) {
        Plain type = form == AmxForm.FLOATS ? Plain.F32 : Plain.BF16;
        var linear = new KernelCases.Linear(type, 1, depth, columns, KernelCases.Values.NORMAL);
        Tensor weight = KernelCases.weight(arena, new KernelCases.Sparse(linear, 0.5), 2);
        SparsePanels panels = SparsePanels.pack(weight, columns, arena, pool);
        TilePanels tiles = TilePanels.pack(weight, Input.FLOAT, arena, pool);
        long bitBytes = panels.bitsAt(0, depth);
        try (GuardedMemory bits = new GuardedMemory(bitBytes);
            GuardedMemory numbers = new GuardedMemory(panels.numbers().byteSize());
            GuardedMemory out = new GuardedMemory(tiles.data().byteSize())) {
          bits.segment().copyFrom(panels.bits().asSlice(0, bitBytes));
          numbers.segment().copyFrom(panels.numbers());
          SparseTilesKernel kernel = code.tiles().sparse(form);
          kernel.run(bits.segment(), numbers.segment(), out.segment(), depth / 32);
          assertThatThrownBy(() -> kernel.run(bits.segment(), numbers.segment(), out.segment(), 3))
              .isInstanceOf(IndexOutOfBoundsException.class);
          if (type == Plain.BF16) { // of F32 the second part may be rounded otherwise
            // a zero's sign is not kept
            for (long at = 0; at < out.segment().byteSize(); at += Short.BYTES) {
              short expected = tiles.data().get(ValueLayout.JAVA_SHORT_UNALIGNED, at);
              short found = out.segment().get(ValueLayout.JAVA_SHORT_UNALIGNED, at);
              assertThat(found).isEqualTo(expected == Short.MIN_VALUE ? 0 : expected);
            }
          }
        }
      }
    }
  }

  @Test
  void multipliesIntegersWithinItsSegments() {
    X86Code code = X86Code.here().code();
    IntegerProductKernel product = code.integerProduct();
    int columns = product.columns();
    int unit = product.form().unit();
    Random random = new Random(2);
    for (int round = 0; round < 200; round++) {
      int rows = 1 + random.nextInt(20);
      int depth = 1 + random.nextInt(150);
      int units = (depth + unit - 1) / unit;
      int panels = 1 + random.nextInt(3);
      long row = 4L * columns;
      long biasStep = random.nextBoolean() ? row : 0;
      long cStride = panels * row + 4L * random.nextInt(5);
      Input input =
          switch (round % 3) {
            case 0 -> Input.DYNAMIC_INT8;
            case 1 -> Input.DYNAMIC_INT8_SYMMETRIC;
            default -> STATIC;
          };
      RoundingKernel rounding = code.rounding(input);
      long stride = 4L * (depth + random.nextInt(5));
      long rowBytes = rounding.rowBytes(depth);
      try (GuardedMemory x = new GuardedMemory((rows - 1) * stride + 4L * depth);
          GuardedMemory integers = new GuardedMemory(rows * rowBytes);
          GuardedMemory grids = new GuardedMemory((long) rows * Grids.BYTES);
          GuardedMemory inverses = inverses(depth, RoundingKernel.STEP);
          GuardedMemory b = new GuardedMemory((long) panels * units * unit * columns);
          GuardedMemory scales = new GuardedMemory(2L * panels * row);
          GuardedMemory bias = new GuardedMemory((panels - 1) * biasStep + row);
          GuardedMemory c = new GuardedMemory((rows - 1) * cStride + panels * row)) {
        fill(x.segment(), i -> Float.floatToRawIntBits(i % 7 - random.nextFloat()));
        fill(b.segment(), i -> random.nextInt());
        fill(scales.segment(), i -> i < columns ? Float.floatToRawIntBits(1f / (i + 1)) : 17 * i);
        if (input.equals(STATIC)) {
          Grids.set(grids.segment(), STATIC);
        }
        rounding.run(
            x.segment(),
            stride,
            rows,
            depth,
            integers.segment(),
            rowBytes,
            grids.segment(),
            inverses.segment());
        product.run(
            integers.segment(),
            rowBytes,
            grids.segment(),
            b.segment(),
            scales.segment(),
            bias.segment(),
            biasStep,
            c.segment(),
            cStride,
            rows,
            units,
            panels);
        assertThatThrownBy(
                () ->
                    rounding.run(
                        x.segment().asSlice(4),
                        stride,
                        rows,
                        depth,
                        integers.segment(),
                        rowBytes,
                        grids.segment(),
                        inverses.segment()))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }

  /** As many as rows are rounded of at a time. */
  private static GuardedMemory inverses(int depth, int step) {
    return new GuardedMemory((depth + step - 1L) / step * step * Float.BYTES);
  }

  @Test
  void roundsRowsForPairsWithinItsSegments() {
    assumeTrue(X86Code.here().code().hasPairs());
    PairRowsKernel kernel = X86Code.here().code().pairs().rows();
    Random random = new Random(6);
    for (int round = 0; round < 100; round++) {
      int rows = 1 + random.nextInt(5);
      int cols = 1 + random.nextInt(150);
      long stride = 4L * (cols + random.nextInt(5));
      long rowBytes = PairRowsKernel.rowBytes(cols);
      try (GuardedMemory x = new GuardedMemory((rows - 1) * stride + 4L * cols);
          GuardedMemory out = new GuardedMemory(rows * rowBytes)) {
        for (int i = 0; i < rows * cols; i++) {
          x.segment().set(Tensor.FLOAT, i / cols * stride + i % cols * 4L, random.nextFloat());
        }
        kernel.run(x.segment(), stride, rows, cols, out.segment());
        for (int row = 0; row < rows; row++) {
          float[] numbers = new float[(int) rowBytes / 2];
          MemorySegment.copy(x.segment(), Tensor.FLOAT, row * stride, numbers, 0, cols);
          Input.BF16.round(numbers);
          for (int k = 0; k < numbers.length; k++) {
            short found =
                out.segment().get(ValueLayout.JAVA_SHORT_UNALIGNED, row * rowBytes + 2L * k);
            assertThat(Float.intBitsToFloat(found << 16)).isEqualTo(numbers[k]);
          }
        }
        assertThatThrownBy(() -> kernel.run(x.segment(), stride, rows + 1, cols, out.segment()))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }

  @Test
  void multipliesTilesWithinItsSegments() {
    X86Code code = X86Code.here().code();
    assumeTrue(code.hasTiles());
    Tiles tiles = code.tiles();
    List<AmxForm> forms = List.of(AmxForm.values());
    Random random = new Random(5);
    for (int round = 0; round < 200; round++) {
      AmxForm form = forms.get(round % forms.size());
      int rows = 1 + random.nextInt(70);
      int depth = 1 + random.nextInt(900);
      int panels = 1 + random.nextInt(3);
      long steps = form.steps(depth);
      long panelBytes = steps * form.panelStep();
      long width = 4L * AmxForm.COLUMNS;
      long cStride = panels * width + 4L * random.nextInt(5);
      try (GuardedMemory x = new GuardedMemory(4L * rows * depth);
          GuardedMemory a = new GuardedMemory(form.rowsBytes(rows, steps));
          GuardedMemory b = new GuardedMemory(panels * panelBytes);
          GuardedMemory c = new GuardedMemory((rows - 1) * cStride + panels * width);
          GuardedMemory bias = new GuardedMemory(panels * width);
          GuardedMemory sums = new GuardedMemory(AmxProductKernel.sumBytes(form, rows, steps));
          GuardedMemory grids = new GuardedMemory((long) rows * Grids.BYTES);
          GuardedMemory scales = new GuardedMemory(2L * panels * width)) {
        Factors factors = new Factors(grids.segment(), scales.segment());
        MemorySegment floats = x.segment();
        if (form == AmxForm.INT8) {
          Input input = round % 8 < 4 ? Input.DYNAMIC_INT8 : STATIC;
          try (GuardedMemory inverses = inverses(depth, form.depth())) {
            tiles
                .rounding(input)
                .run(
                    floats,
                    4L * depth,
                    rows,
                    depth,
                    a.segment(),
                    grids.segment(),
                    inverses.segment());
          }
        } else {
          tiles.rows(form).run(floats, 4L * depth, rows, depth, a.segment());
        }
        AmxProductKernel product = tiles.product(form);
        MemorySegment rest = a.segment();
        product.run(
            rest,
            b.segment(),
            c.segment(),
            cStride,
            rows,
            steps,
            panels,
            bias.segment(),
            width,
            sums.segment(),
            factors);
        assertThatThrownBy(
                () ->
                    product.run(
                        rest,
                        b.segment(),
                        c.segment(),
                        cStride,
                        rows,
                        steps,
                        panels + 1,
                        bias.segment(),
                        width,
                        sums.segment(),
                        factors))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }

  @Test
  void multipliesBlocksWithinItsSegments() {
    Blocks blocks = X86Code.here().code().blocks();
    BlockPanels.Wanted wanted = blocks.wanted();
    Random random = new Random(4);
    for (int round = 0; round < 200; round++) {
      boolean nibbles = random.nextBoolean();
      boolean shifted = random.nextBoolean();
      int middle = shifted ? 0 : nibbles ? 8 : wanted.unsignedBytes() ? 128 : 0;
      BlockPanels.Form panels =
          new BlockPanels.Form(
              wanted.columns(),
              nibbles ? 4 : 8,
              nibbles ? 4 : wanted.byteUnit(),
              middle,
              shifted,
              random.nextBoolean() ? 2 : 4);
      BlockForm form = blocks.form(panels);
      int rows = 1 + random.nextInt(BlockProductKernel.MOST_ROWS);
      BlockProductKernel product = blocks.product(form, rows);
      BlockRoundingKernel rounding = blocks.rounding(form);
      int depth = 1 + random.nextInt(4);
      int count = 1 + random.nextInt(3);
      long stride = 4L * (Input.BLOCK * depth + random.nextInt(5));
      long outStride = 4L * (count * form.columns() + random.nextInt(5));
      try (GuardedMemory x = new GuardedMemory((rows - 1) * stride + 4L * Input.BLOCK * depth);
          GuardedMemory integers = new GuardedMemory((long) rows * depth * form.rowBlockBytes());
          GuardedMemory sums = new GuardedMemory(BlockProductKernel.sumBytes(form, rows));
          GuardedMemory w = new GuardedMemory((long) count * depth * panels.bytes());
          GuardedMemory bias = new GuardedMemory(4L * count * form.columns());
          GuardedMemory c =
              new GuardedMemory((rows - 1) * outStride + 4L * count * form.columns())) {
        rounding.run(x.segment(), stride, rows, depth, integers.segment());
        if (X86Code.here().code().hasTiles()) {
          widensBlocksWithinItsSegments(blocks.tiles(form), w.segment(), count * depth);
          int high = 1 + random.nextInt(70);
          Blocks.TileProducts products = blocks.tileProducts(form);
          multipliesTilesBesides(products.first(), high, w.segment(), count * depth);
          multipliesTilesBesides(products.later(), high, w.segment(), count * depth);
        }
        product.run(
            integers.segment(),
            w.segment(),
            sums.segment(),
            c.segment(),
            outStride,
            bias.segment(),
            4L * form.columns(),
            count,
            depth);
        assertThatThrownBy(
                () -> rounding.run(x.segment().asSlice(4), stride, rows, depth, integers.segment()))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(
                () ->
                    product.run(
                        integers.segment(),
                        w.segment(),
                        sums.segment(),
                        c.segment(),
                        outStride,
                        bias.segment(),
                        4L * form.columns(),
                        count + 1,
                        depth))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }

  private static void widensBlocksWithinItsSegments(
      AmxWideningKernel widening, MemorySegment blocks, int count) {
    try (GuardedMemory out = new GuardedMemory((long) count * AmxForm.BF16.panelStep())) {
      widening.run(blocks, out.segment(), count);
      assertThatThrownBy(() -> widening.run(blocks.asSlice(1), out.segment(), count))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> widening.run(blocks, out.segment().asSlice(64), count))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  /** A panel by rows, while the next panel is made. */
  private static void multipliesTilesBesides(
      AmxProductKernel product, int rows, MemorySegment blocks, int steps) {
    AmxForm form = AmxForm.BF16;
    long width = 4L * AmxForm.COLUMNS;
    try (GuardedMemory a = new GuardedMemory(form.rowsBytes(rows, steps));
        GuardedMemory b = new GuardedMemory((long) steps * form.panelStep());
        GuardedMemory c = new GuardedMemory(rows * width);
        GuardedMemory bias = new GuardedMemory(width);
        GuardedMemory sums = new GuardedMemory(AmxProductKernel.sumBytes(form, rows, steps));
        GuardedMemory tiles = new GuardedMemory((long) steps * form.panelStep())) {
      Consumer<AmxProductKernel.Next> run =
          next ->
              product.run(
                  a.segment(),
                  b.segment(),
                  c.segment(),
                  width,
                  rows,
                  steps,
                  bias.segment(),
                  sums.segment(),
                  next);
      run.accept(AmxProductKernel.Next.NONE);
      run.accept(new AmxProductKernel.Next(blocks, tiles.segment()));
      assertThatThrownBy(
              () -> run.accept(new AmxProductKernel.Next(blocks.asSlice(1), tiles.segment())))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(
              () -> run.accept(new AmxProductKernel.Next(blocks, tiles.segment().asSlice(64))))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  /** Every BF16, with what rounds it down, to the even one, or up. */
  @Test
  void roundsToBf16AsTheReferenceDoes() {
    int[] low = {0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x1234, 0xC000};
    float[] numbers = new float[low.length << 16];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = Float.intBitsToFloat(i / low.length << 16 | low[i % low.length]);
    }
    try (GuardedMemory rows = new GuardedMemory(4L * numbers.length)) {
      MemorySegment x = rows.segment();
      MemorySegment.copy(numbers, 0, x, Tensor.FLOAT, 0, numbers.length);
      RowsKernel kernel = X86Code.here().code().rows();
      kernel.run(Operation.ROUND_BF16, x, 0, x, 0, 1, numbers.length);
      Input.BF16.round(numbers);
      for (int i = 0; i < numbers.length; i++) {
        int found = x.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i);
        assertThat(found).isEqualTo(Float.floatToRawIntBits(numbers[i]));
      }
    }
  }

  @Test
  void attendsWithinItsSegments() {
    X86Code code = X86Code.here().code();
    int columns = code.transpose().columns();
    Random random = new Random(3);
    for (int round = 0; round < 200; round++) {
      int rows = 1 + random.nextInt(3 * columns);
      int before = (rows - 1) / columns * columns; // columns of the panels before the last
      int length = 8 * (1 + random.nextInt(9));
      int first = random.nextInt(length);
      int end = random.nextInt(length + 1);
      long states = (long) rows * SoftmaxKernel.STATE_BYTES;
      long stride = 4L * length;
      var range = new SoftmaxKernel.Range(first - 5L, end, length);
      try (GuardedMemory in = new GuardedMemory(rows * stride);
          GuardedMemory row = new GuardedMemory(stride);
          GuardedMemory column = new GuardedMemory(4L * rows);
          GuardedMemory panels =
              new GuardedMemory(4L * (before * length + (length - 1) * columns + rows - before));
          GuardedMemory state = new GuardedMemory(states)) {
        MemorySegment x = in.segment();
        code.transpose().run(x, stride, rows, length, panels.segment());
        assertThatThrownBy(
                () -> code.transpose().run(x, stride, rows, length, panels.segment().asSlice(4)))
            .isInstanceOf(IndexOutOfBoundsException.class);
        code.softmax().run(x, stride, rows, length, range, 1, state.segment(), true);
        code.softmax().run(x, stride, rows, length, range, 1, state.segment(), false);
        for (Operation operation : Operation.values()) {
          MemorySegment factors = state.segment().asSlice(SoftmaxKernel.FACTOR);
          long factorStride = SoftmaxKernel.STATE_BYTES;
          code.rows().run(operation, x, stride, x, stride, rows, length, factors, factorStride);
        }
        MemorySegment one = row.segment();
        MemorySegment each = column.segment();
        code.keyDots().run(one, x, stride, rows, length, each);
        code.valueSum().run(each, x, stride, rows, length, one);
        assertThatThrownBy(() -> code.keyDots().run(one, x, stride, rows + 1, length, each))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> code.valueSum().run(each, x, stride, rows, length + 8, one))
            .isInstanceOf(IndexOutOfBoundsException.class);
        var longer = new SoftmaxKernel.Range(0, 1, length + 1);
        assertThatThrownBy(
                () -> code.softmax().run(x, stride, rows, length, longer, 1, state.segment(), true))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }

  @Test
  void namesTheCodeThatAnAddressBelongsTo() {
    assertThat(CodeMemory.names().values()).anyMatch(name -> name.startsWith("product-f32-"));
  }

  private static void fill(MemorySegment segment, IntUnaryOperator bits) {
    for (int i = 0; i < segment.byteSize() / Integer.BYTES; i++) {
      segment.set(ValueLayout.JAVA_INT_UNALIGNED, 4L * i, bits.applyAsInt(i));
    }
  }
}
