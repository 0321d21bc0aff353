package dev.hone.tensor.kernel.x86;

/** What the last operand of a vector instruction may be: another register, or memory. */
sealed interface Operand permits Vec, Memory {}
