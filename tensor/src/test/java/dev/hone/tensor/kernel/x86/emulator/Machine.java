package dev.hone.tensor.kernel.x86.emulator;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A PC emulated by Bochs that holds nothing but {@code callserver.s}, and its memory, which is read
 * and written in the emulator's process. It ends with this process.
 */
final class Machine {
  static final int PAGE = 4096;

  /** Where the emulator's log tells that the machine's memory lies in its process. */
  private static final Pattern VECTOR = Pattern.compile("vector=0x([0-9a-f]+)");

  private static final int BLOCK = 0x20000;
  private static final int BLOCKS = 512;
  private static final long MARK = 0x656e6f68_626c0000L;
  private static final long WAIT_NANOS = 10_000;
  private static final Duration LIMIT = Duration.ofMinutes(5);

  private final Path folder;
  private final Process process;
  private final ProcessMemory memory;

  /** Addresses in the emulator's process; 0 where a block is no memory. */
  private final long[] blocks = new long[BLOCKS];

  private final MemorySegment number = Arena.global().allocate(Long.BYTES, Long.BYTES);

  /** Starts it, as {@link Emulator} does. */
  Machine(String bochs, String model, String without, Path rom) {
    try {
      folder = Files.createTempDirectory("emulator");
      Path log = folder.resolve("log");
      Path configuration = folder.resolve("bochsrc");
      Files.writeString(configuration, configuration(rom, model, log, without));
      process =
          new ProcessBuilder(bochs, "-q", "-f", configuration.toString())
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("output").toFile())
              .start();
      Runtime.getRuntime().addShutdownHook(new Thread(this::end));
      memory = new ProcessMemory(process.toHandle());
      long start = System.nanoTime();
      while (!findsBlocks(log)) {
        requireAlive(start);
        Thread.sleep(10);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String configuration(Path rom, String model, Path log, String without) {
    return """
    display_library: rfb, options="timeout=0"
    sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
    romimage: file=%1$s, address=0xffff0000
    vgaromimage: file=%1$s
    memory: guest=64, host=64, block_size=128
    cpu: model=%2$s, count=1, ips=100000000, reset_on_triple_fault=0, exclude_features="%4$s"
    clock: sync=none
    pci: enabled=0
    ata0: enabled=0
    ata1: enabled=0
    floppya: type=none
    log: %3$s
    panic: action=fatal
    error: action=report
    info: action=report
    debug: action=ignore
    speaker: enabled=0
    """
        .formatted(rom.toAbsolutePath(), model, log, without);
  }

  /** Whether every block is marked, which the last one tells: the machine has started. */
  private boolean findsBlocks(Path log) throws IOException {
    boolean started = blocks[BLOCKS - 1] != 0;
    Matcher vector = VECTOR.matcher(Files.exists(log) ? Files.readString(log) : "");
    if (!vector.find()) {
      return false;
    }
    long first = Long.parseLong(vector.group(1), 16);
    for (int i = 0; i < BLOCKS; i++) {
      long address = first + (long) i * BLOCK;
      long mark = memory.read(address, number) ? number.get(ValueLayout.JAVA_LONG, 0) : 0;
      long block = mark - MARK;
      if (block >= 0 && block < BLOCKS) {
        blocks[(int) block] = address;
      }
    }
    return started;
  }

  private void requireAlive(long start) {
    if (!process.isAlive()) {
      throw new IllegalStateException("the emulator ended: " + output());
    }
    if (System.nanoTime() - start > LIMIT.toNanos()) {
      throw new IllegalStateException("the emulated machine has not answered for " + LIMIT);
    }
  }

  private String output() {
    try {
      return Files.readString(folder.resolve("output"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  private void end() {
    process.destroyForcibly();
    try (var files = Files.list(folder)) {
      process.waitFor();
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Of the machine's memory, within one block. */
  void read(long place, MemorySegment into) {
    if (!memory.read(address(place), into)) {
      throw new IllegalStateException("not readable: the emulator's memory at " + place);
    }
  }

  /** To the machine's memory, within one block. */
  void write(long place, MemorySegment from) {
    if (!memory.write(address(place), from)) {
      throw new IllegalStateException("not writable: the emulator's memory at " + place);
    }
  }

  void write(long place, long value) {
    number.set(ValueLayout.JAVA_LONG, 0, value);
    write(place, number);
  }

  /** Waits until a number stands there. */
  void await(long place, long value) {
    long start = System.nanoTime();
    do {
      read(place, number);
      requireAlive(start);
      LockSupport.parkNanos(WAIT_NANOS);
    } while (number.get(ValueLayout.JAVA_LONG, 0) != value);
  }

  private long address(long place) {
    return blocks[(int) (place / BLOCK)] + place % BLOCK;
  }
}
