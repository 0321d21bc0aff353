package dev.hone.tensor.kernel.x86;

/**
 * The kernels of {@link TileAttention}.
 *
 * @param rows splits queries
 * @param scores multiplies queries with keys
 * @param mix multiplies weights with values
 */
record Splits(
    SplitRowsKernel rows,
    SplitPairsKernel keys,
    SplitPairsKernel values,
    SplitProductKernel scores,
    SplitSoftmaxKernel softmax,
    SplitProductKernel mix) {

  Splits() {
    this(
        new SplitRowsKernel(TileAttention.SCORE_PARTS),
        new SplitPairsKernel(TileAttention.SCORE_PARTS),
        new SplitPairsKernel(SplitSoftmaxKernel.PARTS),
        new SplitProductKernel(TileAttention.SCORE_PARTS),
        new SplitSoftmaxKernel(),
        new SplitProductKernel(SplitSoftmaxKernel.PARTS));
  }
}
