/**
 * The top tier on x86-64 Linux: machine code that Java writes when it starts, for the processor it
 * finds. No native library is shipped.
 *
 * <p>From below: {@link dev.hone.tensor.kernel.x86.assembler} writes bytes and makes them callable,
 * {@link dev.hone.tensor.kernel.x86.CpuFeatures} says what may be written, one file a kernel writes
 * it, and {@link dev.hone.tensor.kernel.x86.X86Kernels} calls it. Registers follow the System V
 * calling convention.
 */
package dev.hone.tensor.kernel.x86;
