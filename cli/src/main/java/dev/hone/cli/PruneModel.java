package dev.hone.cli;

import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.RecipeException;
import dev.hone.compress.prune.Amount;
import dev.hone.compress.prune.Criterion;
import dev.hone.compress.prune.Importance;
import dev.hone.compress.prune.JoinHeads;
import dev.hone.compress.prune.Prune;
import dev.hone.compress.prune.Removal;
import dev.hone.compress.prune.Remove;
import dev.hone.compress.prune.RemoveLayers;
import dev.hone.compress.prune.Sparsity;
import dev.hone.compress.prune.Sparsity.Scope;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone prune}: weights taken away. */
@Command(
    name = "prune",
    mixinStandardHelpOptions = true,
    description = {
      "Takes away the weights of a model that matter least: single ones become zero, heads, neurons"
          + " and whole layers are gone. Goes through the model block by block in bounded memory."
          + " Stopped in the middle, the same command goes on behind the last finished block.",
      "Biases, norms and embeddings stay; prune before you quantize."
    },
    footer = {
      "",
      "Examples:",
      "  hone prune minilm --unstructured 50%% --by wanda --calibration texts.txt --out sparse",
      "  hone prune minilm --heads 25%% --ffn 40%% --calibration texts.txt --out smaller",
      "  hone prune minilm --layers 1 --by similarity --calibration texts.txt --out shallower",
      "  hone prune minilm --pattern 2:4 --by sparsegpt --calibration texts.txt --out sparse"
    })
final class PruneModel implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelName model;
  @Mixin private ComputeOptions compute;
  @Mixin private CompressionOptions compression;

  @Option(
      names = "--unstructured",
      paramLabel = "AMOUNT",
      description =
          "Weights that become zero, wherever they stand: a share (50%% or 0.5), a count, or"
              + " below:0.01, all whose importance is less.")
  private String unstructured;

  @Option(
      names = "--pattern",
      paramLabel = "N:M",
      description = "Of each M weights in a row all but N become zero: 2:4, 4:8.")
  private String pattern;

  @Option(
      names = "--heads",
      paramLabel = "AMOUNT",
      description = "Heads that are removed from every block; those that share keys go together.")
  private String heads;

  @Option(
      names = "--ffn",
      paramLabel = "AMOUNT",
      description = "Neurons that are removed from every feed-forward.")
  private String ffn;

  @Option(
      names = "--structured",
      paramLabel = "SHARE",
      description =
          "Heads and neurons are removed until such a share of the blocks' weights is gone: where"
              + " the answers change least by it.")
  private String weights;

  @Option(
      names = "--layers",
      paramLabel = "AMOUNT",
      description =
          "Whole layers that are removed: a count, a share (25%%), or below:0.05, all of less"
              + " influence.")
  private String layers;

  @Option(
      names = "--join-heads",
      paramLabel = "COUNT",
      description =
          "Heads of keys and values that every block has then, each the mean of neighbours;"
              + " queries share them (grouped-query attention; 1: multi-query).")
  private Integer joined;

  @Option(
      names = "--reconstruct",
      arity = "1",
      defaultValue = "true",
      description =
          "Whether what reads the rest of heads and neurons is fitted to answer as before (default:"
              + " true).")
  private boolean reconstruct;

  @Option(
      names = "--by",
      description =
          "What says how much something matters. Weights: magnitude (looks at no texts; default),"
              + " wanda (magnitude times the length of the input column), sparsegpt (what stays"
              + " makes good for what goes). Heads and neurons: norm, activation, reconstruction"
              + " (the error that is left when the others make good for it; default). Layers:"
              + " similarity (of what a layer reads and answers; default), answers (one after the"
              + " other, the one that the model's answers change least without).")
  private String by;

  @Option(
      names = "--scope",
      description =
          "Which weights compete for staying: those of a row (default of wanda), of a layer"
              + " (default of others), or global, of all layers.")
  private String scope;

  @Option(
      names = "--damping",
      description =
          "Added to the diagonal of what layers are fitted by, as a share of its mean (default:"
              + " 0.01 of sparsegpt, 0.001 of --reconstruct); ten times as much, and said, where"
              + " that is too little.")
  private Double damping;

  @Override
  public Integer call() throws IOException {
    Map<String, Object> asked = asked();
    try {
      compression.run(Terminal.of(spec), "pruning", model, compute, recipe(asked.keySet()));
    } catch (RecipeException e) {
      throw new WrongInput(
          String.join(
                  " ", asked.entrySet().stream().map(a -> a.getKey() + "=" + a.getValue()).toList())
              + ": "
              + e.getMessage().replaceFirst("^passes\\[0\\] [a-z-]+: ", ""));
    }
    return 0;
  }

  /** What is to be taken away, by the options that say it. */
  private Map<String, Object> asked() {
    Map<String, Object> asked = new LinkedHashMap<>();
    asked.put("--unstructured", unstructured);
    asked.put("--pattern", pattern);
    asked.put("--structured", weights);
    asked.put("--heads", heads);
    asked.put("--ffn", ffn);
    asked.put("--layers", layers);
    asked.put("--join-heads", joined);
    asked.values().removeIf(Objects::isNull);
    return asked;
  }

  private Recipe recipe(Set<String> asked) {
    if (asked.isEmpty()) {
      throw new WrongInput(
          "say what to take away: --unstructured AMOUNT, --pattern N:M, --heads and --ffn AMOUNT,"
              + " --structured SHARE, --layers AMOUNT, or --join-heads COUNT");
    }
    if (asked.size() > 1 && !asked.equals(Set.of("--heads", "--ffn"))) {
      throw new WrongInput(
          String.join(" and ", asked)
              + " cannot be combined: one after the other, or as passes of a recipe (hone"
              + " compress)");
    }
    try {
      return joined != null
          ? joined()
          : layers != null
              ? shallower()
              : unstructured != null || pattern != null ? zeroed() : removed();
    } catch (IllegalArgumentException e) {
      throw new WrongInput(e.getMessage());
    }
  }

  private Recipe joined() {
    WrongInput.refuse(
        spec, "does nothing with --join-heads", "--by", "--scope", "--damping", "--reconstruct");
    return Recipe.of(JoinHeads.NAME + "-" + joined, new JoinHeads(joined, LayerSelection.blocks()));
  }

  private Recipe shallower() {
    WrongInput.refuse(spec, "does nothing with --layers", "--scope", "--damping", "--reconstruct");
    RemoveLayers.Order order =
        by == null ? RemoveLayers.Order.SIMILARITY : RemoveLayers.Order.of(by);
    return Recipe.of(
        order.label() + "-" + layers,
        new RemoveLayers(Amount.of(layers), order, LayerSelection.blocks()));
  }

  private Recipe removed() {
    WrongInput.refuse(spec, "belongs to --unstructured", "--scope");
    String amount =
        weights != null
            ? weights
            : ((heads == null ? "" : "heads=" + heads) + (ffn == null ? "" : " ffn=" + ffn))
                .strip();
    Importance importance = by == null ? Importance.RECONSTRUCTION : Importance.of(by);
    double added = damping == null ? Remove.DAMPING : damping;
    return Recipe.of(
        importance.label() + "-" + amount,
        new Remove(Removal.of(amount), importance, reconstruct, added, LayerSelection.blocks()));
  }

  private Recipe zeroed() {
    WrongInput.refuse(spec, "belongs to --heads and --ffn", "--reconstruct");
    if (pattern != null && scope != null) {
      throw new WrongInput("--scope does nothing with --pattern: a pattern is its own scope");
    }
    Criterion criterion = by == null ? Criterion.MAGNITUDE : Criterion.of(by);
    if (criterion != Criterion.SPARSEGPT && damping != null) {
      throw new WrongInput("--damping belongs to sparsegpt, not to " + criterion.label());
    }
    Scope competing = scope == null ? criterion.usualScope() : Scope.of(scope);
    Sparsity sparsity =
        pattern == null ? Sparsity.of(unstructured, competing) : Sparsity.Pattern.of(pattern);
    double added = damping == null ? Prune.DAMPING : damping;
    return Recipe.of(
        criterion.label() + "-" + sparsity.label(),
        new Prune(sparsity, criterion, added, LayerSelection.blocks()));
  }
}
