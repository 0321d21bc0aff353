package dev.hone.compress;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.measure.report.Measured;
import java.time.Instant;
import java.util.List;
import java.util.Map;

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

  /**
   * Of a mixture: every recipe of which it has layers, and the recipe of each of its groups.
   *
   * @param assignment name of the recipe, or {@code original}, by group
   */
  public static ObjectNode of(
      String parent,
      String name,
      Map<String, String> assignment,
      List<Recipe> recipes,
      List<LayerChange> changes) {
    ObjectNode json = of(parent, new Recipe(name, List.of()), changes);
    json.withObject("/recipe").set("groups", JSON.valueToTree(assignment));
    ArrayNode mixed = json.withObject("/recipe").putArray("recipes");
    recipes.stream()
        .filter(recipe -> assignment.containsValue(recipe.name()))
        .forEach(recipe -> mixed.add(RecipeFile.json(recipe)));
    return json;
  }

  /** What was measured, as it stands in the file. */
  public static JsonNode json(Measured measured) {
    return JSON.valueToTree(measured);
  }
}
