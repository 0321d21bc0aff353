package dev.hone.measure;

/** A task that nobody knows, or by which this model cannot be judged; the message says why. */
public final class TaskException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public TaskException(String message) {
    super(message);
  }
}
