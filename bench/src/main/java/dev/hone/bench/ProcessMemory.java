package dev.hone.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What a process holds in memory, as Linux counts it in {@code /proc/PID/status}. */
final class ProcessMemory {
  private ProcessMemory() {}

  /** What is resident and no page of a file; 0 of a process that has ended. */
  static long beyondFiles(long pid) throws IOException {
    try {
      return bytes(Long.toString(pid), "RssAnon", "RssShmem");
    } catch (IOException e) {
      if (ProcessHandle.of(pid).isPresent()) {
        throw e;
      }
      return 0;
    }
  }

  /**
   * Bytes of some lines together.
   *
   * @param pid of a process, or {@code self}
   */
  static long bytes(String pid, String... names) throws IOException {
    Path status = Path.of("/proc", pid, "status");
    List<String> lines = Files.readAllLines(status);
    if (lines.stream().noneMatch(line -> line.startsWith("State:"))) {
      throw new IOException(status + " says nothing: needs Linux");
    }
    return lines.stream()
        .filter(line -> List.of(names).contains(line.substring(0, line.indexOf(':'))))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
        .sum();
  }
}
