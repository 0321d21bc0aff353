package dev.hone.cli;

import picocli.CommandLine.Model.CommandSpec;

/** An argument that no command can use; the message is one sentence that says what to do. */
final class WrongInput extends RuntimeException {
  private static final long serialVersionUID = 1;

  WrongInput(String message) {
    super(message);
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
