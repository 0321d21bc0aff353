package dev.hone.cli;

import dev.hone.measure.language.Windows;
import dev.hone.runtime.ActivationType;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How a decoder reads a text that it is measured on. */
final class WindowOptions {
  /** The names of all of them. */
  static final String[] NAMES = {"--window", "--windows", "--stride", "--activations"};

  @Option(
      names = "--window",
      defaultValue = "512",
      description = "Tokens of a window, each read for itself (default: ${DEFAULT-VALUE}).")
  private int window;

  @Option(
      names = "--windows",
      description = "Windows that are read, from the beginning (default: all of the text).")
  private Integer windows;

  @Option(
      names = "--stride",
      description =
          "Tokens from one window to the next; a smaller one than the window gives every token"
              + " more context (default: the window).")
  private Integer stride;

  @Option(
      names = "--activations",
      defaultValue = "F32",
      description =
          "What products read: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}). INT8 rounds"
              + " activations in blocks of 32 where weights are quantized, which is faster; only"
              + " the assembled kernels do it. BF16 rounds them to BF16 where weights are stored"
              + " so.")
  private ActivationType activations;

  ActivationType activations() {
    return activations;
  }

  Windows windows() {
    return new Windows(
        window, stride == null ? window : stride, windows == null ? Integer.MAX_VALUE : windows);
  }

  /**
   * A file's text, which is not blank.
   *
   * @param option that names the file
   */
  static String text(String option, Path file) {
    String named = option + "=" + file;
    try {
      String text = Files.readString(file);
      if (text.isBlank()) {
        throw new WrongInput(named + " holds no text");
      }
      return text;
    } catch (NoSuchFileException e) {
      throw new WrongInput(named + " does not exist");
    } catch (CharacterCodingException e) {
      throw new WrongInput(named + " is not UTF-8; convert it, as with iconv -t UTF-8");
    } catch (IOException e) {
      throw new WrongInput(named + " cannot be read: " + WrongInput.reason(e));
    }
  }
}
