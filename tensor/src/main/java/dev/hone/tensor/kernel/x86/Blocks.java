package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.panels.TilePanels;
import dev.hone.tensor.kernel.x86.AmxProductKernel.Next;
import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The kernels of products with inputs rounded in blocks: made when a weight of a form comes, and
 * tried on a case whose answer is known before anything is computed with them.
 */
final class Blocks {
  private static final float SCALE = 0.5f;
  private static final float SHIFT = 0.25f;

  /** Of sums up to 1e6. */
  private static final float TOLERANCE = 2;

  private final Set<Feature> features;

  private record Product(BlockForm form, int rows) {}

  private final Map<Product, BlockProductKernel> products = new ConcurrentHashMap<>();
  private final Map<BlockRoundingKernel.Form, BlockRoundingKernel> roundings =
      new ConcurrentHashMap<>();

  private final Map<BlockForm, AmxWideningKernel> tiles = new ConcurrentHashMap<>();
  private final Map<BlockForm, TileProducts> tileProducts = new ConcurrentHashMap<>();
  private final Map<BlockForm, BlockPackingKernel> packings = new ConcurrentHashMap<>();

  Blocks(Set<Feature> features) {
    this.features = features;
  }

  /** How panels must lie. */
  BlockPanels.Wanted wanted() {
    return BlockForm.wanted(features);
  }

  /**
   * Packs a matrix.
   *
   * @throws IllegalStateException if the kernel that does so makes something else
   */
  BlockPanels pack(Tensor weight, Arena arena, ComputePool pool) {
    if (!BlockPackingKernel.reads(weight)) {
      return BlockPanels.pack(weight, wanted(), arena, pool);
    }
    BlockPanels packed = BlockPanels.room(weight, wanted(), arena);
    BlockPackingKernel kernel = packings.computeIfAbsent(form(packed.form()), this::triedPacking);
    fill(packed, weight, kernel, pool);
    return packed;
  }

  private static void fill(
      BlockPanels packed, Tensor weight, BlockPackingKernel kernel, ComputePool pool) {
    int columns = packed.columns();
    pool.run(
        packed.panels(),
        p -> {
          int first = p * columns;
          int count = Math.min(columns, packed.rows() - first);
          MemorySegment rows = weight.slice(first, first + count).data();
          kernel.run(rows, packed.data().asSlice(packed.at(p)), packed.blocks(), count);
        });
  }

  BlockForm form(BlockPanels.Form panels) {
    return BlockForm.of(panels, features);
  }

  /**
   * The product of a form with so many rows.
   *
   * @throws IllegalStateException if it computes something else than it should
   */
  BlockProductKernel product(BlockForm form, int rows) {
    return products.computeIfAbsent(new Product(form, rows), this::tried);
  }

  /**
   * What makes tiles of BF16 of blocks of a form.
   *
   * @throws IllegalStateException if it makes something else
   */
  AmxWideningKernel tiles(BlockForm form) {
    return tiles.computeIfAbsent(form, this::triedTiles);
  }

  /**
   * Products by tiles of a form: of a panel's first blocks, and of later ones, whose sums are added
   * to those of the blocks before.
   */
  record TileProducts(AmxProductKernel first, AmxProductKernel later) {}

  /**
   * The products by tiles of a form.
   *
   * @throws IllegalStateException if they compute something else than they should
   */
  TileProducts tileProducts(BlockForm form) {
    return tileProducts.computeIfAbsent(form, this::triedTileProducts);
  }

  BlockRoundingKernel rounding(BlockForm form) {
    return roundings.computeIfAbsent(BlockRoundingKernel.Form.of(form), BlockRoundingKernel::new);
  }

  /** Rows of whole numbers, the largest of a block 127: they are their own roundings. */
  private BlockProductKernel tried(Product wanted) {
    BlockForm form = wanted.form();
    int rows = wanted.rows();
    BlockProductKernel product = new BlockProductKernel(form, rows);
    int blocks = 2;
    int depth = blocks * Input.BLOCK;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = arena.allocate(4L * rows * depth, Tensor.ALIGNMENT);
      for (int i = 0; i < rows * depth; i++) {
        x.setAtIndex(Tensor.FLOAT, i, number(i / depth, i % depth));
      }
      MemorySegment w = weights(form, blocks, arena);
      BlockRoundingKernel rounding = rounding(form);
      MemorySegment rounded = arena.allocate((long) rows * blocks * form.rowBlockBytes());
      MemorySegment sums = arena.allocate(BlockProductKernel.sumBytes(form, rows));
      MemorySegment c = arena.allocate(4L * rows * form.columns(), Tensor.ALIGNMENT);
      MemorySegment start = arena.allocate(4L * form.columns(), Tensor.ALIGNMENT);
      rounding.run(x, 4L * depth, rows, blocks, rounded);
      product.run(rounded, w, sums, c, 4L * form.columns(), start, 0, 1, blocks);
      for (int i = 0; i < rows * form.columns(); i++) {
        float expected = 0;
        for (int k = 0; k < depth; k++) {
          int q = integer(form, k, i % form.columns()) - form.middle();
          expected += number(i / form.columns(), k) * (q * SCALE + (form.shifted() ? SHIFT : 0));
        }
        float found = c.getAtIndex(Tensor.FLOAT, i);
        if (!(Math.abs(found - expected) <= TOLERANCE)) {
          String what = form + " failed: " + found + " instead of " + expected;
          throw new IllegalStateException(
              "the self-test of product-" + what + "; use the kernels of the tier vector");
        }
      }
    }
    return product;
  }

  private AmxWideningKernel triedTiles(BlockForm form) {
    AmxWideningKernel widening = new AmxWideningKernel(form);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment tiles = arena.allocate(AmxForm.BF16.panelStep(), Tensor.ALIGNMENT);
      widening.run(weights(form, 1, arena), tiles, 1);
      for (int k = 0; k < Input.BLOCK; k++) {
        for (int j = 0; j < form.columns(); j++) {
          int q = integer(form, k, j) - form.middle();
          float expected = q * SCALE + (form.shifted() ? SHIFT : 0);
          long at = TilePanels.place(k, j);
          int bits = tiles.getAtIndex(ValueLayout.JAVA_SHORT, at) << 16;
          float found = Float.intBitsToFloat(bits);
          if (!(Math.abs(found - expected) <= Math.abs(expected) * 0x1p-8f)) {
            String what = form + " failed: " + found + " instead of " + expected;
            throw new IllegalStateException(
                "the self-test of tiles-of-" + what + "; use the kernels of the tier vector");
          }
        }
      }
    }
    return widening;
  }

  /** Ones by a panel, twice, whose sums are those of its columns, while another is made. */
  private TileProducts triedTileProducts(BlockForm form) {
    TileProducts products =
        new TileProducts(new AmxProductKernel(form, false), new AmxProductKernel(form, true));
    int blocks = 2;
    int rows = AmxForm.ROWS + 1;
    long panelBytes = (long) blocks * AmxForm.BF16.panelStep();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment w = weights(form, blocks, arena);
      MemorySegment panel = arena.allocate(panelBytes, Tensor.ALIGNMENT);
      tiles(form).run(w, panel, blocks);
      MemorySegment a = arena.allocate(AmxForm.BF16.rowsBytes(rows, blocks), Tensor.ALIGNMENT);
      for (long i = 0; i < a.byteSize() / Short.BYTES; i++) {
        a.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(1) >>> 16));
      }
      MemorySegment c = arena.allocate(4L * rows * form.columns(), Tensor.ALIGNMENT);
      MemorySegment bias = arena.allocate(4L * form.columns(), Tensor.ALIGNMENT);
      long sumBytes = AmxProductKernel.sumBytes(AmxForm.BF16, rows, blocks);
      MemorySegment sums = arena.allocate(sumBytes, Tensor.ALIGNMENT);
      MemorySegment made = arena.allocate(panelBytes, Tensor.ALIGNMENT);
      boolean same = true;
      for (AmxProductKernel product : List.of(products.first(), products.later())) {
        made.fill((byte) 0);
        Next next = new Next(w, made);
        product.run(a, panel, c, 4L * form.columns(), rows, blocks, bias, sums, next);
        same &= made.mismatch(panel) < 0;
      }
      for (int i = 0; i < rows * form.columns(); i++) {
        float expected = 0;
        for (int k = 0; k < blocks * Input.BLOCK; k++) {
          long at = TilePanels.place(k % Input.BLOCK, i % form.columns());
          long step = k / Input.BLOCK * (long) AmxForm.BF16.panelStep() / Short.BYTES;
          int bits = panel.getAtIndex(ValueLayout.JAVA_SHORT, step + at) << 16;
          expected += Float.intBitsToFloat(bits);
        }
        same &= Math.abs(c.getAtIndex(Tensor.FLOAT, i) - 2 * expected) <= 2 * TOLERANCE;
      }
      if (!same) {
        throw new IllegalStateException(
            "the self-test of product-tiles-beside-"
                + form
                + " failed; use the kernels of the tier vector");
      }
    }
    return products;
  }

  private BlockPackingKernel triedPacking(BlockForm form) {
    BlockPackingKernel packing = new BlockPackingKernel(form);
    try (Arena arena = Arena.ofConfined();
        ComputePool pool = new ComputePool(1)) {
      Tensor numbers = Tensor.allocate(arena, Plain.F32, form.columns() + 1L, 2L * Input.BLOCK);
      for (int i = 0; i < numbers.size(); i++) {
        numbers.data().setAtIndex(Tensor.FLOAT, i, number(i / (2 * Input.BLOCK), i));
      }
      Tensor stored = Layouts.encode(numbers, BlockPackingKernel.type(form), arena);
      BlockPanels found = BlockPanels.room(stored, wanted(), arena);
      fill(found, stored, packing, pool);
      if (found.data().mismatch(BlockPanels.pack(stored, wanted(), arena, pool).data()) >= 0) {
        throw new IllegalStateException(
            "the self-test of packing-" + form + " failed; use the kernels of the tier vector");
      }
    }
    return packing;
  }

  private static MemorySegment weights(BlockForm form, int blocks, Arena arena) {
    BlockPanels.Form panels = form.panels();
    MemorySegment w = arena.allocate((long) blocks * panels.bytes(), Tensor.ALIGNMENT);
    for (int b = 0; b < blocks; b++) {
      byte[] block = new byte[panels.bytes()];
      for (int j = 0; j < form.columns(); j++) {
        for (int k = 0; k < Input.BLOCK; k++) {
          panels.put(block, k, j, integer(form, b * Input.BLOCK + k, j));
        }
        panels.putScale(block, j, SCALE);
        if (form.shifted()) {
          panels.putShift(block, j, SHIFT);
        }
      }
      long at = (long) b * block.length;
      MemorySegment.copy(block, 0, w, ValueLayout.JAVA_BYTE, at, block.length);
    }
    return w;
  }

  private static int number(int row, int k) {
    return k % Input.BLOCK == row % Input.BLOCK ? 127 : (k * 29 + row * 7) % 255 - 127;
  }

  private static int integer(BlockForm form, int k, int j) {
    int bits = form.arithmetic().bits();
    boolean signed = bits == 8 && !form.arithmetic().dots();
    return (k * 37 + j * 11) % (bits == 4 ? 16 : 255) - (signed ? 127 : 0);
  }
}
