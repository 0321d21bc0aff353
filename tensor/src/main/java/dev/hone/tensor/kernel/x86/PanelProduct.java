package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.panels.DotPanels;
import dev.hone.tensor.kernel.panels.PairPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.TilePanels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import java.lang.foreign.MemorySegment;

/**
 * Some rows of an input, made ready to be multiplied with one panel after another, of a weight or
 * of several that {@link #shares} them.
 */
sealed interface PanelProduct extends AutoCloseable
    permits RoundedProduct,
        WidenedProduct,
        TileProduct,
        PairProduct,
        TiledBlockProduct,
        TiledSparseProduct,
        DotProduct,
        BlockProduct {

  /** Of rows that are rounded first. */
  static PanelProduct of(Tensor x, int row, int rows, Input input, Panels weight, X86Code code) {
    return input.equals(Input.FLOAT)
        ? of(x, row, rows, weight, code)
        : RoundedProduct.of(x, row, rows, input, weight, code);
  }

  static PanelProduct of(Tensor x, int row, int rows, Panels weight, X86Code code) {
    return switch (weight) {
      case SparsePanels some when TiledSparseProduct.multiplies(some, x.rows()) ->
          new TiledSparseProduct(x, row, rows, some, code);
      case WidenedPanels _ -> new WidenedProduct(x, row, rows, code);
      case TilePanels tiles -> new TileProduct(x, row, rows, tiles, code);
      case PairPanels pairs -> new PairProduct(x, row, rows, pairs, code);
      case DotPanels dots ->
          TileProduct.multiplies(dots)
              ? new TileProduct(x, row, rows, dots, code)
              : new DotProduct(x, row, rows, dots, code);
      case BlockPanels blocks ->
          TiledBlockProduct.multiplies(x.rows(), code)
              ? new TiledBlockProduct(x, row, rows, blocks, code)
              : new BlockProduct(x, row, rows, blocks, code);
    };
  }

  /** Whether rows that were made ready for one weight are ready for another. */
  static boolean shares(Panels one, Panels other) {
    return one.cols() == other.cols()
        && one.columns() == other.columns()
        && switch (one) {
          case SparsePanels a -> other instanceof SparsePanels b && a.type() == b.type();
          case WidenedPanels _ ->
              other instanceof WidenedPanels && !(other instanceof SparsePanels);
          case TilePanels a ->
              other instanceof TilePanels b && TileProduct.form(a) == TileProduct.form(b);
          case PairPanels _ -> other instanceof PairPanels;
          case DotPanels a ->
              other instanceof DotPanels b
                  && a.order().equals(b.order())
                  && a.input().equals(b.input());
          case BlockPanels a -> other instanceof BlockPanels b && a.form().equals(b.form());
        };
  }

  /**
   * Multiplies the rows with some panels.
   *
   * @param panels what the rows were made ready for, or what {@link #shares} them with that
   */
  void multiply(Panels panels, int fromPanel, int toPanel, Target target);

  @Override
  default void close() {}

  /**
   * Where the sums of panels go.
   *
   * @param out [rows][columns of these panels], {@code stride} bytes apart
   * @param start what they begin with
   */
  record Target(MemorySegment out, long stride, Start start) {}

  /**
   * What the sums of panels begin with.
   *
   * @param first [columns] of the first panel
   * @param step bytes to those of the next one
   */
  record Start(MemorySegment first, long step) {
    /** With a bias of all these panels' columns, or with zeros. */
    static Start of(MemorySegment bias, int columns, X86Code code) {
      return bias.equals(MemorySegment.NULL)
          ? new Start(code.zeros(), 0)
          : new Start(bias, (long) columns * Float.BYTES);
    }

    /** What those of one panel begin with. */
    MemorySegment at(int panel) {
      return first.asSlice(panel * step);
    }
  }

  /** From the first number of some columns of some rows to the last. */
  static MemorySegment rowsFrom(Tensor tensor, int row, int rows, int from, int count) {
    long first = row * tensor.cols() + from;
    long numbers = (rows - 1) * tensor.cols() + count;
    return tensor.data().asSlice(first * Float.BYTES, numbers * Float.BYTES);
  }
}
