package dev.hone.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine.Model.CommandSpec;

/** An argument that no command can use; the message is one sentence that says what to do. */
final class WrongInput extends RuntimeException {
  private static final long serialVersionUID = 1;

  WrongInput(String message) {
    super(message);
  }

  /** Why a file could not be read or written, in words. */
  static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException _ -> "permission denied";
      case NoSuchFileException _ -> "there is no such file or folder";
      case FileAlreadyExistsException _ -> "there is such a file already";
      case FileSystemException f when f.getReason() != null -> f.getReason();
      default -> e.getMessage();
    };
  }

  /**
   * Refuses options that would do nothing: {@code why} ends the sentence that their name begins.
   */
  static void refuse(CommandSpec command, String why, String... options) {
    for (String option : options) {
      if (command.commandLine().getParseResult().hasMatchedOption(option)) {
        throw new WrongInput(option + " " + why);
      }
    }
  }
}
