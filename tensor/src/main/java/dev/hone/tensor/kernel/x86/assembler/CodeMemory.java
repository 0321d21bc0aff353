package dev.hone.tensor.kernel.x86.assembler;

import dev.hone.tensor.SystemFunction;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Memory that machine code runs from: written first, then made executable, never both at a time.
 * Code stays until the process ends.
 */
public final class CodeMemory {
  private static final int READ = 1;
  private static final int WRITE = 2;
  private static final int EXECUTE = 4;
  private static final int PRIVATE_ANONYMOUS = 0x22;
  private static final long PAGE = 4096;
  private static final long FAILED = -1;
  private static final int MOST_ARGUMENTS = 15;

  private static final SystemFunction MMAP = new SystemFunction("mmap");
  private static final SystemFunction MPROTECT = new SystemFunction("mprotect");

  /** Which kernel an address in a crash log belongs to. */
  private static final Map<Long, String> NAMES = new ConcurrentSkipListMap<>();

  private static volatile Cpu cpu = new Cpu.Host();

  private CodeMemory() {}

  /** Thrown where the system does not let code be made: SELinux, a sandbox. */
  public static final class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    RefusedException(String message) {
      super(message);
    }
  }

  /**
   * Makes code callable.
   *
   * @throws RefusedException where the system forbids it
   */
  @SuppressWarnings("restricted") // a segment over pages that this method has just mapped
  public static MemorySegment install(Assembly assembly) {
    long bytes = (assembly.bytes().length + PAGE - 1) / PAGE * PAGE;
    long address = MMAP.call(0, bytes, READ | WRITE, PRIVATE_ANONYMOUS, -1, 0);
    if (address == FAILED) {
      throw new RefusedException("mmap gave no memory for " + assembly.name());
    }
    MemorySegment pages = MemorySegment.ofAddress(address).reinterpret(bytes);
    pages.copyFrom(MemorySegment.ofArray(assembly.bytes()));
    if ((int) MPROTECT.call(address, bytes, READ | EXECUTE) != 0) {
      throw new RefusedException("mprotect forbids to run what was written");
    }
    NAMES.put(address, assembly.name());
    return pages;
  }

  /** Addresses of the code installed so far, and its names. */
  public static Map<Long, String> names() {
    return NAMES;
  }

  /** What runs the code from now on; before any is called. */
  public static void runOn(Cpu other) {
    cpu = other;
  }

  /** Whether the system lets tiles be used; asks it. */
  public static boolean permitsTiles() {
    return cpu.permitsTiles();
  }

  /** One handle calls all code, whatever it takes: the JVM needs some 10 ms to make one. */
  private static final class Call {
    static final MethodHandle HANDLE = cpu.caller(signature());

    private static FunctionDescriptor signature() {
      MemoryLayout[] types = new MemoryLayout[MOST_ARGUMENTS];
      Arrays.fill(types, ValueLayout.JAVA_LONG);
      return FunctionDescriptor.ofVoid(types);
    }
  }

  /**
   * Calls code by the calling convention of the System V ABI.
   *
   * @param a up to {@value #MOST_ARGUMENTS} numbers and addresses. Nothing keeps what lies there
   *     from being closed meanwhile
   */
  public static void call(MemorySegment code, long... a) {
    if (a.length > MOST_ARGUMENTS) {
      throw new IllegalArgumentException(a.length + " arguments");
    }
    try {
      Call.HANDLE.invokeExact(
          code, at(a, 0), at(a, 1), at(a, 2), at(a, 3), at(a, 4), at(a, 5), at(a, 6), at(a, 7),
          at(a, 8), at(a, 9), at(a, 10), at(a, 11), at(a, 12), at(a, 13), at(a, 14));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e); // code throws nothing
    }
  }

  private static long at(long[] arguments, int index) {
    return index < arguments.length ? arguments[index] : 0;
  }
}
