package dev.hone.model.architecture;

import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;

/** Names of activations as configs spell them. */
final class Activations {
  private Activations() {}

  static Activation of(Config config, String field) {
    return switch (config.text(field)) {
      case "relu" -> Activation.RELU;
      case "gelu" -> Activation.GELU;
      case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" -> Activation.GELU_TANH;
      case "tanh" -> Activation.TANH;
      case "silu", "swish" -> Activation.SILU;
      default ->
          throw config.wrong(
              field, "one of relu, gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, tanh, silu");
    };
  }
}
