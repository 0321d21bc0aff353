package dev.hone.model.format.compressed;

import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;

/** A Jazzer target: any bytes are a {@code quantization_config} or a {@link FormatException}. */
public final class QuantizationConfigFuzz {
  private QuantizationConfigFuzz() {}

  public static void fuzzerTestOneInput(byte[] bytes) {
    try {
      var config = QuantizationConfig.read(Config.parse("fuzz.json", bytes));
      config.scheme("bert.encoder.layer.0.attention.self.query");
    } catch (FormatException e) {
      // What a damaged file deserves.
    }
  }
}
