package dev.hone.compress;

/**
 * A recipe says something that Hone does not understand, or that cannot be done to a model: the
 * message names the file, the field and the value, or the pass and the first layer concerned.
 */
public final class RecipeException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public RecipeException(String message) {
    super(message);
  }

  public RecipeException(String message, Throwable cause) {
    super(message, cause);
  }
}
