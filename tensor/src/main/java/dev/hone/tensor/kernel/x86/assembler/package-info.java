/**
 * Writes x86-64 machine code: {@link dev.hone.tensor.kernel.x86.assembler.Assembler} the
 * instructions, {@link dev.hone.tensor.kernel.x86.assembler.Registers} who has which register,
 * {@link dev.hone.tensor.kernel.x86.assembler.CodeMemory} makes it callable. It knows no kernel.
 */
package dev.hone.tensor.kernel.x86.assembler;
