package dev.hone.model.architecture;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.Input;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Layers whose input is rounded to BF16, which no published layout has words for: the config's
 * {@code hone_bf16_inputs}, a field of Hone's own, lists the names of their weights. Programs that
 * do not know it read the same weights and run them in a type of their choice.
 */
public final class LayerInputs {
  private static final String FIELD = "hone_bf16_inputs";

  private LayerInputs() {}

  /**
   * A model whose layers read their input as its config says.
   *
   * @throws FormatException where the config names a layer that is not there, or rounds its input
   *     otherwise already
   */
  public static Transformer read(Config config, Transformer model) {
    if (!config.has(FIELD)) {
      return model;
    }
    Set<String> named = new LinkedHashSet<>(config.texts(FIELD));
    Set<String> left = new LinkedHashSet<>(named);
    Transformer rounded =
        model.map(
            new LayerMap() {
              @Override
              public Linear linear(Role role, Linear layer) {
                String name = layer.weight().name();
                if (!named.contains(name)) {
                  return layer;
                }
                left.remove(name);
                if (!layer.input().equals(Input.FLOAT)) {
                  throw config.wrong(
                      FIELD, "without " + name + ", whose input is " + layer.input().label());
                }
                return layer.with(Input.BF16);
              }
            });
    if (!left.isEmpty()) {
      throw config.wrong(FIELD, "without " + left.iterator().next() + ": there is no such layer");
    }
    return rounded;
  }

  /** Says in the config of a changed model which layers' input is rounded to BF16. */
  public static void write(Transformer model, ObjectNode config) {
    config.remove(FIELD); // what the model before had
    for (Linear layer : model.linears()) {
      if (layer.input().equals(Input.BF16)) {
        config.withArray(FIELD).add(layer.weight().name());
      }
    }
  }
}
