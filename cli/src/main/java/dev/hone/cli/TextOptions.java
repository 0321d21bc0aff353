package dev.hone.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** The texts that a command works on: arguments, or the lines of a file or of standard input. */
final class TextOptions {
  @Option(
      names = "--file",
      paramLabel = "FILE",
      description = "Read the texts from a file, a line a text; - is standard input.")
  private String file;

  /**
   * The texts, at least one.
   *
   * @param texts those given as arguments; null where there are none
   */
  List<String> texts(List<String> texts) {
    if (file == null) {
      return nonEmpty(
          texts == null ? List.of() : texts,
          "give at least one TEXT, or --file FILE with a text a line");
    }
    if (texts != null) {
      throw new WrongInput("give either TEXT arguments or --file, not both");
    }
    return lines(file);
  }

  /** The texts of a file, a line a text, at least one; {@code -} is standard input. */
  static List<String> lines(String file) {
    List<String> lines = read(file);
    return nonEmpty(
        lines.stream().allMatch(String::isBlank) ? List.of() : lines, file + " holds no text");
  }

  private static List<String> read(String file) {
    try {
      if (file.equals("-")) {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        return in.lines().toList();
      }
      return Files.readAllLines(Path.of(file));
    } catch (NoSuchFileException e) {
      throw new WrongInput(file + " does not exist");
    } catch (MalformedInputException e) {
      throw new WrongInput(file + " is not UTF-8; convert it, as with iconv -t UTF-8");
    } catch (IOException e) {
      throw new WrongInput(file + " cannot be read: " + WrongInput.reason(e));
    }
  }

  private static List<String> nonEmpty(List<String> texts, String otherwise) {
    if (texts.isEmpty()) {
      throw new WrongInput(otherwise);
    }
    return texts;
  }
}
