package dev.hone.hub;

/** A model that could not be found or fetched; the message says what to do. */
public final class HubException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public HubException(String message) {
    super(message);
  }

  public HubException(String message, Throwable cause) {
    super(message, cause);
  }
}
