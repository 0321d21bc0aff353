package dev.hone.cli;

/** An argument that no command can use; the message is one sentence that says what to do. */
final class WrongInput extends RuntimeException {
  private static final long serialVersionUID = 1;

  WrongInput(String message) {
    super(message);
  }
}
