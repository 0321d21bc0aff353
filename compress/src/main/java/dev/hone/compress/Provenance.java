package dev.hone.compress;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.measure.report.Measured;
import java.time.Instant;
import java.util.List;

/**
 * What a saved model's {@code hone.json} says: its parent, the passes, and what became of every
 * layer.
 */
public final class Provenance {
  private static final JsonMapper JSON = new JsonMapper();

  private Provenance() {}

  /**
   * What stands in the file.
   *
   * @param parent name or folder of the model it was made from
   */
  public static ObjectNode of(String parent, Recipe recipe, List<LayerChange> changes) {
    ObjectNode json = of(parent);
    json.set("recipe", RecipeFile.json(recipe));
    json.set("layers", JSON.valueToTree(changes));
    return json;
  }

  /** Of a model that is its parent in another format. */
  public static ObjectNode of(String parent) {
    ObjectNode json = JSON.createObjectNode();
    json.put("hone", "0.1.0");
    json.put("made", Instant.now().toString());
    json.put("parent", parent);
    return json;
  }

  /** The same with what was measured of it. */
  public static ObjectNode of(
      String parent, Recipe recipe, List<LayerChange> changes, Measured measured) {
    ObjectNode json = of(parent, recipe, changes);
    json.set("measured", JSON.valueToTree(measured));
    return json;
  }
}
