package dev.hone.runtime.cache;

import java.io.Serial;

/** A cache has no page left for the tokens of a batch. */
public final class CacheFullException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  CacheFullException(String message) {
    super(message);
  }
}
