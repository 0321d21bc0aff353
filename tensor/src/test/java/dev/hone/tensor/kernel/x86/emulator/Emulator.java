package dev.hone.tensor.kernel.x86.emulator;

import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Cpu;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * An emulated processor that runs code of this process on memory of this process. A page is copied
 * over when the code touches it; what the code has written is copied back when it returns. Calls
 * wait for one another. What it and {@code callserver.s} tell each other is described there.
 */
public final class Emulator implements Cpu {
  private static final long COMMAND = 0x32000;
  private static final long ANSWER = 0x33000;
  private static final int BYTES = 512;
  private static final int NUMBER = 0;

  // fields of a command
  private static final int OPERATION = 8;
  private static final int MAPPED = 16;
  private static final int TARGET = 24;
  private static final int INTEGERS = 32;
  private static final int FLOATS = 80;
  private static final int STACKED = 144;

  private static final int MOST_INTEGERS = 6;
  private static final int MOST_STACKED = 16;
  private static final int MOST_FLOATS = 8;
  private static final int CALL = 1;
  private static final int GO_ON = 2;

  // fields of an answer
  private static final int KIND = 8;
  private static final int VECTOR = 16;
  private static final int ERROR = 24;
  private static final int ADDRESS = 32;
  private static final int RIP = 40;
  private static final int DIRTY = 48;

  private static final int RETURNED = 0;
  private static final int EXCEPTION = 1;
  private static final int PAGE_FAULT = 14;

  /** Bits of a page fault's error code: the page was there; it was to be run. */
  private static final int PROTECTION = 1;

  private static final int FETCH = 0x10;

  /** Rounds to nearest, nothing flushed, every exception masked; the lowest bits are flags. */
  private static final long USUAL_MXCSR = 0x1F80;

  private static final long MXCSR_FLAGS = 0x3F;

  private static final Map<Integer, String> EXCEPTIONS =
      Map.of(0, "#DE", 6, "#UD", 7, "#NM", 13, "#GP", 14, "#PF", 17, "#AC", 19, "#XM");

  private final String model;
  private final Machine machine;
  private final GuestPages pages;
  private final MemorySegment command = Arena.global().allocate(BYTES, Long.BYTES);
  private final MemorySegment answer = Arena.global().allocate(BYTES, Long.BYTES);
  private long number;

  /**
   * Starts a machine, which ends with this process.
   *
   * @param bochs the command
   * @param model as {@code bochs --help cpu} names it
   * @param without features that are taken from the model, with commas between them
   * @param rom {@code callserver.s}, assembled
   */
  public Emulator(String bochs, String model, String without, Path rom) {
    this.model = model;
    this.machine = new Machine(bochs, model, without, rom);
    this.pages = new GuestPages(machine);
  }

  @Override
  public MethodHandle caller(FunctionDescriptor type) {
    if (type.returnLayout().isPresent()) {
      throw new UnsupportedOperationException("what " + type + " returns is not fetched");
    }
    MethodType method = type.toMethodType().insertParameterTypes(0, MemorySegment.class);
    try {
      return MethodHandles.lookup()
          .findVirtual(Emulator.class, "call", MethodType.methodType(void.class, Object[].class))
          .bindTo(this)
          .asCollector(Object[].class, method.parameterCount())
          .asType(method);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Here nobody needs to be asked. */
  @Override
  public boolean permitsTiles() {
    return true;
  }

  /** Calls the code at the first of these with the others. */
  @SuppressWarnings("UnusedMethod") // caller() hands it out
  private synchronized void call(Object[] arguments) {
    long target = ((MemorySegment) arguments[0]).address();
    int integers = 0;
    int floats = 0;
    for (int i = 1; i < arguments.length; i++) {
      switch (arguments[i]) {
        case MemorySegment segment -> integer(integers++, segment.address());
        case Long value -> integer(integers++, value);
        case Integer value -> integer(integers++, value);
        case Float value -> floating(floats++, value);
        default -> throw new UnsupportedOperationException("an argument " + arguments[i]);
      }
    }
    set(STACKED, Math.max(0, integers - MOST_INTEGERS));
    set(TARGET, target);
    pages.refresh();
    exchange(CALL);
    while (answer(KIND) == EXCEPTION) {
      if (answer(VECTOR) != PAGE_FAULT || !map(answer(ERROR), answer(ADDRESS))) {
        throw new IllegalStateException(exception());
      }
      exchange(GO_ON);
    }
    pages.takeBack((int) answer(DIRTY));
    if (answer(KIND) != RETURNED) {
      throw new IllegalStateException(where(target) + " lost registers of its caller's");
    }
    if ((answer(ERROR) & ~MXCSR_FLAGS) != USUAL_MXCSR) {
      throw new IllegalStateException(where(target) + " left MXCSR " + hex(answer(ERROR)));
    }
  }

  /** Whether what a page fault asked for could be given. */
  private boolean map(long error, long address) {
    if ((error & FETCH) != 0) {
      return pages.mapCode(address);
    }
    return (error & PROTECTION) == 0 && pages.map(address);
  }

  private void integer(int index, long value) {
    if (index >= MOST_INTEGERS + MOST_STACKED) {
      throw new UnsupportedOperationException("more than " + index + " integers");
    }
    int place =
        index < MOST_INTEGERS
            ? INTEGERS + index * Long.BYTES
            : STACKED + (1 + index - MOST_INTEGERS) * Long.BYTES;
    set(place, value);
  }

  private void floating(int index, float value) {
    if (index >= MOST_FLOATS) {
      throw new UnsupportedOperationException("more than " + index + " floats");
    }
    set(FLOATS + index * Long.BYTES, Float.floatToRawIntBits(value) & 0xFFFFFFFFL);
  }

  private void exchange(int operation) {
    set(OPERATION, operation);
    set(MAPPED, pages.count());
    machine.write(COMMAND + Long.BYTES, command.asSlice(Long.BYTES));
    number++;
    machine.write(COMMAND + NUMBER, number);
    machine.await(ANSWER + NUMBER, number);
    machine.read(ANSWER, answer);
  }

  private void set(int place, long value) {
    command.set(ValueLayout.JAVA_LONG, place, value);
  }

  private long answer(int place) {
    return answer.get(ValueLayout.JAVA_LONG, place);
  }

  private String exception() {
    int vector = (int) answer(VECTOR);
    String what = EXCEPTIONS.getOrDefault(vector, "exception " + vector);
    String touched = vector == PAGE_FAULT ? " at " + hex(answer(ADDRESS)) : "";
    return "%s (%s)%s in %s on %s"
        .formatted(what, hex(answer(ERROR)), touched, where(answer(RIP)), model);
  }

  /** The code that an address lies in. */
  private static String where(long address) {
    var before = new TreeMap<>(CodeMemory.names()).floorEntry(address);
    return before == null
        ? hex(address)
        : before.getValue() + " + " + hex(address - before.getKey());
  }

  private static String hex(long number) {
    return "0x" + Long.toHexString(number);
  }
}
