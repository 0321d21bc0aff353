package dev.hone.model.format;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Hidden places beside a file or folder that it is written to first, and moved from when it is
 * whole. Their names hold the process: {@code .model.gguf.4711-1.part}. What a killed one has left
 * goes when the next has written the same.
 */
public final class Beside {
  private static final AtomicInteger COUNT = new AtomicInteger();

  private Beside() {}

  /**
   * Makes sure that there is a folder to write a target into, or that there can be one.
   *
   * @throws FormatException where there cannot
   */
  public static void requireRoom(Path target) {
    Path parent = target.toAbsolutePath().getParent();
    while (parent != null && !Files.exists(parent)) {
      parent = parent.getParent();
    }
    if (parent == null || !Files.isDirectory(parent)) {
      throw new FormatException(
          target + " cannot be written: " + parent + " is a file; name another place");
    }
    if (!Files.isWritable(parent)) {
      throw new FormatException(
          target + " cannot be written: there is no permission to write into " + parent);
    }
  }

  /** A new place in the same directory. */
  public static Path of(Path target) {
    String own = ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
    return target.toAbsolutePath().resolveSibling("." + target.getFileName() + "." + own + ".part");
  }

  /** Moves a whole file to its place, over one that is there. */
  public static void move(Path part, Path file) throws IOException {
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    deleteLeftovers(file);
  }

  /** Removes what processes have left beside a target that are no more. */
  public static void deleteLeftovers(Path target) throws IOException {
    Pattern part =
        Pattern.compile(
            "\\." + Pattern.quote(target.getFileName().toString()) + "\\.(\\d+)-\\d+\\.part");
    List<Path> left;
    try (Stream<Path> files = Files.list(target.toAbsolutePath().getParent())) {
      left = files.filter(file -> ofNobody(part.matcher(file.getFileName().toString()))).toList();
    }
    for (Path one : left) {
      delete(one);
    }
  }

  private static boolean ofNobody(Matcher name) {
    return name.matches() && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty();
  }

  /** Removes a file, or a folder with all that is in it, where there is one. */
  public static void delete(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    Files.walkFileTree(
        path,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
