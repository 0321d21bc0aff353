package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The kernels of products with inputs rounded in blocks: made when a weight of a form comes. */
final class Blocks {
  private final Set<Feature> features;
  private final Map<BlockForm, BlockProductKernel> products = new ConcurrentHashMap<>();
  private final Map<BlockRoundingKernel.Form, BlockRoundingKernel> roundings =
      new ConcurrentHashMap<>();

  Blocks(Set<Feature> features) {
    this.features = features;
  }

  /** How panels must lie. */
  BlockPanels.Wanted wanted() {
    return BlockForm.wanted(features);
  }

  BlockForm form(BlockPanels.Form panels) {
    return BlockForm.of(panels, features);
  }

  BlockProductKernel product(BlockForm form) {
    return products.computeIfAbsent(form, BlockProductKernel::new);
  }

  BlockRoundingKernel rounding(BlockForm form) {
    return roundings.computeIfAbsent(BlockRoundingKernel.Form.of(form), BlockRoundingKernel::new);
  }
}
