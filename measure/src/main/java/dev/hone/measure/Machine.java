package dev.hone.measure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * What a measurement ran on.
 *
 * @param cores that this process may use
 * @param threads that computed
 * @param memoryBytes of the machine; 0 where it does not say
 * @param kernels the tier of kernels that ran
 */
public record Machine(
    String cpu, int cores, int threads, long memoryBytes, String os, String jdk, String kernels) {

  /** This machine. */
  public static Machine here(int threads, String kernels) {
    return new Machine(
        field(Path.of("/proc/cpuinfo"), "model name").orElse(System.getProperty("os.arch")),
        Runtime.getRuntime().availableProcessors(),
        threads,
        field(Path.of("/proc/meminfo"), "MemTotal")
            .map(kilobytes -> 1024 * Long.parseLong(kilobytes.replaceAll("\\D", "")))
            .orElse(0L),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"),
        kernels);
  }

  /** The value of the first line {@code name : value} of a file that only Linux has. */
  private static Optional<String> field(Path file, String name) {
    if (!Files.isReadable(file)) {
      return Optional.empty();
    }
    Predicate<String> named = line -> line.startsWith(name) && line.indexOf(':') > 0;
    try (Stream<String> lines = Files.lines(file)) {
      return lines.filter(named).map(l -> l.substring(l.indexOf(':') + 1).strip()).findFirst();
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read", e);
    }
  }
}
