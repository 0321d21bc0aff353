package dev.hone.compress;

import com.fasterxml.jackson.databind.JsonNode;

/** What a recipe says of a pass beside its argument and its layers. */
public final class RecipeFields {
  private final String source;
  private final JsonNode node;

  RecipeFields(String source, JsonNode node) {
    this.source = source;
    this.node = node;
  }

  public boolean has(String field) {
    return node.has(field);
  }

  public String text(String field, String otherwise) {
    return has(field) ? node.get(field).asText() : otherwise;
  }

  /**
   * A number.
   *
   * @throws RecipeException where the field is something else
   */
  public double number(String field, double otherwise) {
    if (has(field) && !node.get(field).isNumber()) {
      throw new RecipeException(source + ": " + field + " must be a number");
    }
    return node.path(field).asDouble(otherwise);
  }

  /**
   * True or false.
   *
   * @throws RecipeException where the field is something else
   */
  public boolean flag(String field, boolean otherwise) {
    if (has(field) && !node.get(field).isBoolean()) {
      throw new RecipeException(source + ": " + field + " must be true or false");
    }
    return node.path(field).asBoolean(otherwise);
  }
}
