package dev.hone.model.architecture;

import dev.hone.model.format.Config;

/**
 * The largest sizes that a config may promise, so that a lying one is refused before anything is
 * built.
 */
final class ConfigLimits {
  static final int WIDTH = 1 << 18;
  static final int LAYERS = 1 << 10;
  static final int VOCABULARY = 1 << 24;
  static final int POSITIONS = 1 << 24;

  private ConfigLimits() {}

  /** A number of heads that divides the hidden size. */
  static int heads(Config config, String field, int hidden) {
    int heads = config.positive(field, hidden);
    if (hidden % heads != 0) {
      throw config.wrong(field, "a divisor of the hidden size " + hidden);
    }
    return heads;
  }

  /** Refuses every value of a field but one. */
  static void refuse(Config config, String field, String known) {
    if (!config.text(field, known).equals(known)) {
      throw config.wrong(field, known + " (nothing else is supported yet)");
    }
  }
}
