/** The specification of every kernel: plain loops, sums in double. */
package dev.hone.tensor.kernel.scalar;
