import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** google-java-format over every Java file of the project: {@code check} names them, {@code mend} writes them. */
class Format {
  public static void main(String[] args) throws IOException {
    Path root = Path.of(args[1]);
    List<Path> unformatted =
        sources(root).parallel().filter(file -> isUnformatted(file, args[0].equals("mend"))).toList();
    for (Path file : unformatted) {
      System.err.println((args[0].equals("mend") ? "formatted " : "not formatted: ") + root.relativize(file));
    }
    if (args[0].equals("check") && !unformatted.isEmpty()) {
      System.err.println("Run ./format to mend this.");
      System.exit(1);
    }
  }

  /** The Java files of the root and of every module, which are the folders with a pom.xml. */
  private static Stream<Path> sources(Path root) throws IOException {
    try (Stream<Path> folders = Files.list(root)) {
      return Stream.concat(Stream.of(root), folders)
          .filter(folder -> Files.exists(folder.resolve("pom.xml")))
          .map(folder -> folder.resolve("src"))
          .filter(Files::isDirectory)
          .flatMap(Format::javaFiles)
          .toList()
          .stream();
    }
  }

  private static Stream<Path> javaFiles(Path src) {
    try (Stream<Path> files = Files.walk(src)) {
      return files.filter(file -> file.toString().endsWith(".java")).toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isUnformatted(Path file, boolean mend) {
    try {
      String source = Files.readString(file);
      String formatted = new Formatter().formatSourceAndFixImports(source);
      if (mend && !formatted.equals(source)) {
        Files.writeString(file, formatted);
      }
      return !formatted.equals(source);
    } catch (FormatterException e) {
      System.err.println(file + ":" + e.getMessage());
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
