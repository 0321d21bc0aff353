package dev.hone.tensor.kernel.x86.assembler;

import dev.hone.tensor.SystemFunction;
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

  /**
   * Whether the system lets this process use the tile registers, where the processor has them. It
   * keeps no room for them unless it is asked, once a process.
   */
  boolean permitsTiles();

  /** The processor of this machine. */
  final class Host implements Cpu {
    /** Linux, Documentation/arch/x86/xstate.rst. */
    private static final long ARCH_PRCTL = 158;

    private static final long ARCH_REQ_XCOMP_PERM = 0x1023;

    /** Which state: the number of its bit in XCR0. */
    private static final long TILE_DATA = 18;

    @Override
    @SuppressWarnings("restricted") // calls what this package has assembled
    public MethodHandle caller(FunctionDescriptor type) {
      return Linker.nativeLinker().downcallHandle(type);
    }

    @Override
    public boolean permitsTiles() {
      var syscall = new SystemFunction("syscall");
      return syscall.call(ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
    }
  }
}
