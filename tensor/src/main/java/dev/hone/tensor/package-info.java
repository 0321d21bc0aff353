/**
 * Tensors outside the heap, the layouts of their weights, and the kernels that compute with them.
 */
package dev.hone.tensor;
