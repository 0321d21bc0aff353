/** Kernels by the Vector API, at whatever width the processor prefers. */
package dev.hone.tensor.kernel.vector;
