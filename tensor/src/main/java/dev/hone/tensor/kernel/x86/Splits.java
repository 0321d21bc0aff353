package dev.hone.tensor.kernel.x86;

/**
 * The kernels of {@link TileAttention}. Queries and keys have a part more than values: the error of
 * scores grows with their size in what softmax makes of them.
 *
 * @param valueParts of values, and of the weights of softmax
 * @param rows splits queries
 * @param scores multiplies queries with keys
 * @param mix multiplies weights with values
 */
record Splits(
    int valueParts,
    SplitRowsKernel rows,
    SplitPairsKernel keys,
    SplitPairsKernel values,
    SplitProductKernel scores,
    SplitSoftmaxKernel softmax,
    SplitProductKernel mix) {

  Splits(int valueParts) {
    this(
        valueParts,
        new SplitRowsKernel(valueParts + 1),
        new SplitPairsKernel(valueParts + 1),
        new SplitPairsKernel(valueParts),
        new SplitProductKernel(valueParts + 1),
        new SplitSoftmaxKernel(valueParts),
        new SplitProductKernel(valueParts));
  }

  /** Of queries and keys. */
  int scoreParts() {
    return valueParts + 1;
  }
}
