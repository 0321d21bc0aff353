package dev.hone.tensor.kernel.panels;

import dev.hone.tensor.kernel.PackedMatrix;

/** A weight matrix cut into panels of some output features each; the last is filled up. */
public sealed interface Panels extends PackedMatrix
    permits WidenedPanels, TilePanels, PairPanels, DotPanels, BlockPanels {

  /** Output features of a panel. */
  int columns();

  default int panels() {
    return (rows() + columns() - 1) / columns();
  }
}
