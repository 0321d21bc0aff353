package dev.hone.tensor.kernel.x86.assembler;

/** What the last operand of a vector instruction may be: another register, or memory. */
public sealed interface Operand permits Vec, Memory {}
