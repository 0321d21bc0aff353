package dev.hone.tensor.kernel.x86.assembler;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** What runs the code: the processor of this machine, or one that is emulated. */
public interface Cpu {

  /**
   * A handle that takes the address of the code first.
   *
   * @param type of integers, floats and addresses, by the calling convention of the System V ABI
   */
  MethodHandle caller(FunctionDescriptor type);

  /** The processor of this machine. */
  final class Host implements Cpu {
    @Override
    @SuppressWarnings("restricted") // calls what this package has assembled
    public MethodHandle caller(FunctionDescriptor type) {
      return Linker.nativeLinker().downcallHandle(type);
    }
  }
}
