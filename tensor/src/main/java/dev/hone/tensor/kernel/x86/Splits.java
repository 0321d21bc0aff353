package dev.hone.tensor.kernel.x86;

/**
 * The kernels of {@link TileAttention}.
 *
 * @param scoreParts of queries and keys
 * @param valueParts of values, and of the weights of softmax
 * @param rows splits queries
 * @param scores multiplies queries with keys
 * @param mix multiplies weights with values
 */
record Splits(
    int scoreParts,
    int valueParts,
    SplitRowsKernel rows,
    SplitPairsKernel keys,
    SplitPairsKernel values,
    SplitProductKernel scores,
    SplitSoftmaxKernel softmax,
    SplitProductKernel mix) {

  Splits(int scoreParts, int valueParts) {
    this(
        scoreParts,
        valueParts,
        new SplitRowsKernel(scoreParts),
        new SplitPairsKernel(scoreParts),
        new SplitPairsKernel(valueParts),
        new SplitProductKernel(scoreParts),
        new SplitSoftmaxKernel(valueParts),
        new SplitProductKernel(valueParts));
  }
}
