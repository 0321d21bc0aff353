package dev.hone.compress;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * A {@link Recipe} as YAML: a name and its passes in order, each with the layers it touches.
 *
 * <pre>
 *   name: small
 *   passes:
 *     - awq: int4-g32-asym                    # scales for that type, folded into norms
 *     - encode: int4-g32-asym
 *       kinds: [attention, feed-forward]      # default; also embedding, head, router
 *       names: ["encoder.layer.*"]            # default: all of these kinds
 *       except: ["*.layer.0.*"]
 *       method: gptq                          # default: rtn; also refit, gptq-range
 *       damping: 0.01                         # of gptq: this is the default
 *       activation-order: true                # of gptq: this is the default
 *     - encode: int8-channel
 *       kinds: [embedding]
 *     - mix: 4.5                              # bits a weight of a GGUF file, as encode and gptq
 *     - prune: 50%                            # weights that become 0; or below:0.01, or 2:4
 *       by: wanda                             # default: magnitude; also sparsegpt
 *       scope: layer                          # of magnitude; row of wanda; also global
 *     - remove: heads=25% ffn=40%            # of every block; or 30%, of all weights
 *       by: activation                        # default: reconstruction; also norm
 *       reconstruct: true                     # this is the default
 *     - remove-layers: 25%                  # of all; or a count, or below:0.05
 *       by: similarity                        # default: of what they read and answer; also answers
 *     - join-heads: 4                       # of keys and values, which queries then share
 *     - smooth: 0.5                           # outliers of inputs move into weights
 *     - input: dynamic-int8                   # products of integers, where weights are int8-channel
 *     - input: static-int8                    # the same, on grids found from texts; before encode
 *       balance: true                         # columns share a grid by factors: this is the default
 *       observer: mse                         # default; also kl, percentile, min-max, moving-average
 *       percentile: 99.99                     # of percentile: this is the default
 *       correct-bias: true                    # this is the default
 * </pre>
 */
public final class RecipeFile {
  private static final long MAX_BYTES = 1 << 20;
  private static final Set<String> RECIPE_FIELDS = Set.of("name", "passes");
  private static final Set<String> LAYER_FIELDS = Set.of("kinds", "names", "except");

  /** The least that is a recipe. */
  private static final String EXAMPLE = "{name: small, passes: [{encode: int8-channel}]}";

  /** How the parser's message begins. */
  private static final String DUPLICATE = "Duplicate field ";

  private static final YAMLMapper YAML =
      YAMLMapper.builder(
              YAMLFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private RecipeFile() {}

  public static Recipe read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new RecipeException(file + ": a recipe has at most " + MAX_BYTES + " bytes");
      }
      return parse(file.toString(), Files.readString(file));
    } catch (IOException e) {
      throw new RecipeException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  static Recipe parse(String source, String text) {
    JsonNode recipe;
    try {
      recipe = YAML.readTree(text);
    } catch (JsonProcessingException e) {
      String problem = e.getOriginalMessage();
      throw new RecipeException(
          problem.startsWith(DUPLICATE)
              ? source
                  + ":"
                  + e.getLocation().getLineNr()
                  + ": the same field twice: "
                  + problem.substring(DUPLICATE.length())
                  + "; leave one away, or begin a list entry of its own for each pass (-)"
              : source + " is not YAML: " + e.getMessage(),
          e);
    }
    refuseUnknown(source, recipe, RECIPE_FIELDS);
    if (!recipe.path("name").isTextual()) {
      throw new RecipeException(source + ": name must be a text, as in " + EXAMPLE);
    }
    if (!recipe.path("passes").isArray() || recipe.path("passes").isEmpty()) {
      throw new RecipeException(
          source + ": passes must be a list of at least one pass, as in " + EXAMPLE);
    }
    List<Pass> passes = new ArrayList<>();
    for (JsonNode pass : recipe.path("passes")) {
      passes.add(pass(source + ": passes[" + passes.size() + "]", pass));
    }
    return new Recipe(recipe.path("name").asText(), passes);
  }

  /** A recipe in the form that is read, as JSON, which is YAML too. */
  static ObjectNode json(Recipe recipe) {
    ObjectNode json = YAML.createObjectNode().put("name", recipe.name());
    ArrayNode passes = json.putArray("passes");
    for (Pass pass : recipe.passes()) {
      ObjectNode node = passes.addObject().put(pass.name(), pass.argument());
      LayerSelection layers = pass.layers();
      pass.fields().forEach(node::putPOJO);
      put(node, "kinds", layers.kinds().stream().sorted().map(RecipeFile::label).toList());
      put(node, "names", layers.names());
      put(node, "except", layers.except());
    }
    return json;
  }

  private static void put(ObjectNode node, String field, List<String> texts) {
    if (!texts.isEmpty()) {
      ArrayNode array = node.putArray(field);
      texts.forEach(array::add);
    }
  }

  private static Pass pass(String source, JsonNode node) {
    var names = new TreeSet<>(Passes.byName().keySet());
    List<String> named = names.stream().filter(node::has).toList();
    if (named.isEmpty()) {
      throw new RecipeException(source + " names no pass; known are " + names);
    }
    if (named.size() > 1) {
      throw new RecipeException(
          source
              + " names the passes "
              + String.join(" and ", named)
              + ": each pass is a list entry of its own, which begins with -");
    }
    String name = named.getFirst();
    Set<String> known = new TreeSet<>(LAYER_FIELDS);
    known.add(name);
    Passes.Kind kind = Passes.byName().get(name);
    known.addAll(kind.fields());
    refuseUnknown(source, node, known);
    try {
      return kind.reader()
          .read(node.path(name).asText(), new RecipeFields(source, node), layers(source, node));
    } catch (IllegalArgumentException e) {
      throw new RecipeException(source + ": " + name + ": " + e.getMessage(), e);
    }
  }

  private static LayerSelection layers(String source, JsonNode node) {
    Set<LayerKind> kinds = EnumSet.noneOf(LayerKind.class);
    for (String kind : texts(source, node, "kinds")) {
      kinds.add(
          Arrays.stream(LayerKind.values())
              .filter(k -> label(k).equals(kind))
              .findFirst()
              .orElseThrow(
                  () ->
                      new RecipeException(
                          source
                              + ": kinds: unknown kind "
                              + kind
                              + "; known are "
                              + Arrays.stream(LayerKind.values())
                                  .map(RecipeFile::label)
                                  .toList())));
    }
    return new LayerSelection(
        kinds.isEmpty() ? LayerSelection.blocks().kinds() : kinds,
        texts(source, node, "names"),
        texts(source, node, "except"));
  }

  private static String label(LayerKind kind) {
    return kind.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static List<String> texts(String source, JsonNode node, String field) {
    if (!node.has(field)) {
      return List.of();
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode text : node.get(field)) {
      texts.add(text.asText());
    }
    if (!node.get(field).isArray() || texts.isEmpty()) {
      throw new RecipeException(source + ": " + field + " must be a list of at least one text");
    }
    return texts;
  }

  private static void refuseUnknown(String source, JsonNode node, Set<String> known) {
    if (!node.isObject()) {
      throw new RecipeException(
          source + " must be a mapping with the fields " + new TreeSet<>(known));
    }
    for (String field : (Iterable<String>) node::fieldNames) {
      if (!known.contains(field)) {
        throw new RecipeException(
            source + ": unknown field " + field + "; known are " + new TreeSet<>(known));
      }
    }
  }
}
