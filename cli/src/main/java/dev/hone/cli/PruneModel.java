package dev.hone.cli;

import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.prune.Criterion;
import dev.hone.compress.prune.Prune;
import dev.hone.compress.prune.Sparsity;
import dev.hone.compress.prune.Sparsity.Scope;
import java.io.IOException;
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
      "Takes away the weights of a model that matter least: single ones become zero. Goes through"
          + " the model block by block in bounded memory. Stopped in the middle, the same command"
          + " goes on behind the last finished block.",
      "Biases, norms and embeddings stay; prune before you quantize."
    },
    footer = {
      "",
      "Examples:",
      "  hone prune minilm --unstructured 50%% --by wanda --calibration texts.txt --out sparse",
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
      names = "--by",
      defaultValue = "magnitude",
      description =
          "What says how much a weight matters: magnitude (looks at no texts; default), wanda"
              + " (magnitude times the length of the input column), sparsegpt (what stays makes"
              + " good for what goes).")
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
          "With sparsegpt, added to the Hessian's diagonal, as a share of its mean (default:"
              + " 0.01).")
  private Double damping;

  @Override
  public Integer call() throws IOException {
    compression.run(Terminal.of(spec), "pruning", model, compute, recipe());
    return 0;
  }

  private Recipe recipe() {
    if ((unstructured == null) == (pattern == null)) {
      throw new WrongInput("say what to take away: --unstructured AMOUNT or --pattern N:M");
    }
    if (pattern != null && scope != null) {
      throw new WrongInput("--scope does nothing with --pattern: a pattern is its own scope");
    }
    try {
      Criterion criterion = Criterion.of(by);
      if (criterion != Criterion.SPARSEGPT && damping != null) {
        throw new WrongInput("--damping belongs to sparsegpt, not to " + by);
      }
      Scope competing = scope == null ? criterion.usualScope() : Scope.of(scope);
      Sparsity sparsity =
          pattern == null ? Sparsity.of(unstructured, competing) : Sparsity.Pattern.of(pattern);
      double added = damping == null ? Prune.DAMPING : damping;
      return Recipe.of(
          by + "-" + sparsity.label(),
          new Prune(sparsity, criterion, added, LayerSelection.blocks()));
    } catch (IllegalArgumentException e) {
      throw new WrongInput(e.getMessage());
    }
  }
}
