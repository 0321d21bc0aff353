package dev.hone.model.architecture;

import dev.hone.model.Transformer;
import dev.hone.model.format.Config;

/**
 * How the records of one family of models are filled from its config and its checkpoint's names.
 */
@FunctionalInterface
public interface Architecture {

  /**
   * The model as published: with the head that the config's {@code architectures} names, or without
   * one.
   */
  Transformer read(Config config, Layers layers);
}
