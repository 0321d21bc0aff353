package dev.hone.runtime.generate;

/** Why an answer ended. */
public enum StopReason {
  /** The model chose a token that ends it. */
  STOP_TOKEN,
  /** The text had a string that ends it. */
  STOP_STRING,
  /** It has as many tokens as were asked for. */
  LENGTH,
  /** The model reads no more. */
  CONTEXT,
  /** Nobody asked for more. */
  CANCELLED
}
