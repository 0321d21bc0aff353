package dev.hone.tensor.kernel.x86.emulator;

import dev.hone.tensor.kernel.x86.emulator.PageTables.Access;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Pages of this process that the emulated machine sees at the same addresses. It gets them when it
 * asks for them and keeps them; before each call those that have changed here are copied again.
 * Only what was asked for as code can be run, and it stays where it is: Bochs keeps code as it has
 * decoded it, by the place in memory, and knows nothing of what is written from outside.
 */
final class GuestPages {
  /** So many are kept from one call to the next. */
  private static final int MOST_KEPT = 512;

  /** Pages that are mapped at once when one is asked for. */
  private static final int AHEAD = 4;

  private static final long FIRST = 0xA00000;
  private static final long END = 0x3000000;
  private static final int MOST = (int) ((END - FIRST) / Machine.PAGE);
  private static final long CODE_END = 0x4000000;
  private static final long ENTRIES = 0x900000;
  private static final long WRITTEN = 0x980000;

  /**
   * @param entry where its entry lies among the page tables
   * @param sent the bytes that both sides have last agreed on
   */
  private record Page(long address, long entry, MemorySegment sent) {}

  private final Machine machine;
  private final PageTables tables;
  private final ProcessMemory memory = new ProcessMemory(ProcessHandle.current());
  private final List<Page> mapped = new ArrayList<>();
  private final Set<Long> addresses = new HashSet<>();
  private final Set<Long> code = new HashSet<>();
  private final List<MemorySegment> snapshots = new ArrayList<>();
  private final MemorySegment now = Arena.global().allocate(Machine.PAGE, Machine.PAGE);
  private long nextCode = END;

  GuestPages(Machine machine) {
    this.machine = machine;
    this.tables = new PageTables(machine);
  }

  /** Before a call: what has changed or is gone. */
  void refresh() {
    boolean gone = mapped.size() > MOST_KEPT;
    for (int i = 0; i < mapped.size() && !gone; i++) {
      Page page = mapped.get(i);
      if (!memory.read(page.address, now)) {
        gone = true;
      } else if (page.sent.mismatch(now) >= 0) {
        page.sent.copyFrom(now);
        machine.write(place(i), now);
      }
    }
    if (gone) {
      for (Page page : mapped) {
        if (!code.contains(page.address)) {
          tables.unmap(page.entry);
        }
      }
      mapped.clear();
      addresses.clear();
    }
  }

  /** Whether the page of an address could be mapped, to be run. */
  boolean mapCode(long address) {
    long at = address / Machine.PAGE * Machine.PAGE;
    if (nextCode == CODE_END || !memory.read(at, now)) {
      return false;
    }
    machine.write(nextCode, now);
    tables.map(tables.entry(at), nextCode, Access.RUN);
    nextCode += Machine.PAGE;
    code.add(at);
    return true;
  }

  /** Whether the page of an address could be mapped; some after it are, where that can be. */
  boolean map(long address) {
    long first = address / Machine.PAGE * Machine.PAGE;
    for (int i = 0; i < AHEAD; i++) {
      long at = first + (long) i * Machine.PAGE;
      if (mapped.size() == MOST
          || code.contains(at)
          || addresses.contains(at)
          || !memory.read(at, now)) {
        return i > 0;
      }
      int index = mapped.size();
      if (snapshots.size() == index) {
        snapshots.add(Arena.global().allocate(Machine.PAGE, Machine.PAGE));
      }
      Page page = new Page(at, tables.entry(at), snapshots.get(index).copyFrom(now));
      mapped.add(page);
      addresses.add(at);
      machine.write(place(index), now);
      machine.write(ENTRIES + (long) index * Long.BYTES, page.entry);
      tables.map(page.entry, place(index), Access.WRITE);
    }
    return true;
  }

  /** How many there are. */
  int count() {
    return mapped.size();
  }

  /** After a call: what it has written. */
  void takeBack(int count) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment written = arena.allocate((long) count * Long.BYTES, Long.BYTES);
      machine.read(WRITTEN, written);
      for (int i = 0; i < count; i++) {
        int index = (int) written.getAtIndex(ValueLayout.JAVA_LONG, i);
        machine.read(place(index), now);
        takeBack(mapped.get(index));
      }
    }
  }

  /** Only the bytes that have changed, since other threads write beside them. */
  private void takeBack(Page page) {
    long at = 0;
    while (at < Machine.PAGE) {
      long same = MemorySegment.mismatch(page.sent, at, Machine.PAGE, now, at, Machine.PAGE);
      if (same < 0) {
        break;
      }
      long from = at + same;
      long to = from;
      while (to < Machine.PAGE
          && page.sent.get(ValueLayout.JAVA_BYTE, to) != now.get(ValueLayout.JAVA_BYTE, to)) {
        to++;
      }
      if (!memory.write(page.address + from, now.asSlice(from, to - from))) {
        throw new IllegalStateException(
            "written to, which is not writable: 0x" + Long.toHexString(page.address + from));
      }
      at = to;
    }
    page.sent.copyFrom(now);
  }

  private static long place(int index) {
    return FIRST + (long) index * Machine.PAGE;
  }
}
