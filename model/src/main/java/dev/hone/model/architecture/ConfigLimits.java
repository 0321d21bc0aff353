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
  static final int EXPERTS = 1 << 12;

  private ConfigLimits() {}

  /** A number of heads that divides the hidden size. */
  static int heads(Config config, String field, int hidden) {
    int heads = config.positive(field, hidden);
    if (hidden % heads != 0) {
      throw config.wrong(field, "a divisor of the hidden size " + hidden);
    }
    return heads;
  }
}
