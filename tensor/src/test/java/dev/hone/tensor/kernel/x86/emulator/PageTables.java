package dev.hone.tensor.kernel.x86.emulator;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * The emulated machine's page tables: four levels of 512 entries. Intel 64 and IA-32 Architectures
 * Software Developer's Manual, volume 3, section 5.5.
 */
final class PageTables {
  private static final long ROOT = 0x10000;
  private static final long FIRST = 0x100000;
  private static final long END = 0x900000;

  /** Present, writable, for every privilege. */
  private static final long THERE = 7;

  private static final long NOT_RUN = 1L << 63;
  private static final long NOT_WRITTEN = ~2L;
  private static final int LEVELS = 4;
  private static final int PAGE_BITS = 12;
  private static final int TABLE_BITS = 9;

  private final Machine machine;
  private final MemorySegment zeros = Arena.global().allocate(Machine.PAGE);

  /** A table's place in memory by what its addresses begin with: bits, then the level. */
  private final Map<Long, Long> tables = new HashMap<>();

  private long next = FIRST;

  PageTables(Machine machine) {
    this.machine = machine;
  }

  /** Where the entry of an address lies; tables on the way are made. */
  long entry(long address) {
    long table = ROOT;
    for (int level = LEVELS - 1; level > 0; level--) {
      int shift = PAGE_BITS + TABLE_BITS * level;
      long key = address >>> shift << shift | level;
      Long below = tables.get(key);
      if (below == null) {
        if (next == END) {
          throw new IllegalStateException("no room for more page tables");
        }
        below = next;
        next += Machine.PAGE;
        tables.put(key, below);
        machine.write(below, zeros);
        machine.write(table + index(address, shift), below | THERE);
      }
      table = below;
    }
    return table + index(address, PAGE_BITS);
  }

  /** What may be done with a page, beside reading. */
  enum Access {
    RUN,
    WRITE
  }

  void map(long entry, long place, Access access) {
    long value = place | THERE;
    machine.write(
        entry,
        switch (access) {
          case RUN -> value & NOT_WRITTEN;
          case WRITE -> value | NOT_RUN;
        });
  }

  void unmap(long entry) {
    machine.write(entry, 0);
  }

  private static long index(long address, int shift) {
    return (address >>> shift & (1 << TABLE_BITS) - 1) * Long.BYTES;
  }
}
