package dev.hone.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * A function of the C library that takes whole numbers and addresses, up to six. One handle calls
 * them all, for the JVM needs some 10 ms to make one: what a function does not ask for lies in
 * registers that it does not read. So it is on Linux.
 */
public final class SystemFunction {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle CALL = handle();

  private final MemorySegment code;

  public SystemFunction(String name) {
    code = LINKER.defaultLookup().findOrThrow(name);
  }

  @SuppressWarnings("restricted") // functions of the C library
  private static MethodHandle handle() {
    ValueLayout.OfLong number = ValueLayout.JAVA_LONG;
    return LINKER.downcallHandle(
        FunctionDescriptor.of(number, number, number, number, number, number, number));
  }

  public long call(long a, long b, long c) {
    return call(a, b, c, 0, 0, 0);
  }

  /** What it returns; of an {@code int} only the lower 32 bits are said. */
  public long call(long a, long b, long c, long d, long e, long f) {
    try {
      return (long) CALL.invokeExact(code, a, b, c, d, e, f);
    } catch (RuntimeException | Error thrown) {
      throw thrown;
    } catch (Throwable thrown) {
      throw new IllegalStateException(thrown); // a function of C throws nothing
    }
  }
}
