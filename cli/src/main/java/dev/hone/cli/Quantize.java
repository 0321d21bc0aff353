package dev.hone.cli;

import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.Recipe;
import dev.hone.compress.quantize.Awq;
import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.Mix;
import dev.hone.compress.quantize.Observer;
import dev.hone.compress.quantize.RoundInputs;
import dev.hone.compress.quantize.Rounding;
import dev.hone.compress.quantize.StaticInputs;
import dev.hone.model.folder.Model;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Input;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone quantize}: weights in fewer bits. */
@Command(
    name = "quantize",
    mixinStandardHelpOptions = true,
    description = {
      "Stores a model's weights in fewer bits, and looks at texts to lose little by it: goes"
          + " through the model block by block in bounded memory. Stopped in the middle, the same"
          + " command goes on behind the last finished block.",
      "Writes a folder as published models have it (safetensors, compressed-tensors), or of a GGUF"
          + " model a GGUF file."
    },
    footer = {
      "",
      "Examples:",
      "  hone quantize minilm --bits 4 --group 64 --calibration texts.txt --out minilm-4bit",
      "  hone quantize minilm --bits 8 --activations static --calibration texts.txt --out"
          + " minilm-int8",
      "  hone quantize model-f16.gguf --type iq4_nl --calibration texts.txt --out model-iq4.gguf",
      "  hone quantize model-f16.gguf --size 105MB --calibration texts.txt --out model-105.gguf"
    })
final class Quantize implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelName model;
  @Mixin private ComputeOptions compute;
  @Mixin private CompressionOptions compression;

  @Option(
      names = "--method",
      defaultValue = "gptq",
      description =
          "rtn (to the nearest, looks at no texts), refit (to the nearest on refitted grids), awq"
              + " (scales for columns that carry much, then refit), gptq-range (GPTQ on grids from"
              + " least to largest), gptq (GPTQ on refitted grids; default).")
  private String method;

  @Option(
      names = "--bits",
      defaultValue = "4",
      description = "2 to 8, packed in 32-bit words; in GGUF 4 or 8 (default: ${DEFAULT-VALUE}).")
  private int bits;

  @Option(
      names = "--group",
      defaultValue = "32",
      description = "Columns that share a scale; 0: whole rows (default: ${DEFAULT-VALUE}).")
  private int group;

  @Option(names = "--symmetric", description = "Grids around zero, without zero points.")
  private boolean symmetric;

  @Option(
      names = "--activations",
      defaultValue = "f32",
      description =
          "What layers read: f32 (as it is; default), or 8 bits, so that products are of integers:"
              + " static (on grids found from the texts) or dynamic (each token on its own)."
              + " Weights then have --bits 8 and a scale a row.")
  private Activations activations;

  @Option(
      names = "--observer",
      description =
          "How static grids are found: mse (least error of answers; default), kl, percentile,"
              + " min-max, moving-average.")
  private String observer;

  @Option(
      names = "--type",
      description =
          "Instead of bits and groups a type by its name: int3-g64-asym, int8-tensor, q4_0, q4_1,"
              + " q5_0, q5_1, q8_0, iq4_nl, q2_k to q6_k (which give rows of no multiple of 256 the"
              + " next wider type).")
  private String type;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      description =
          "Of a GGUF decoder, instead of a type the bytes that the file may have, as 105MB: layers"
              + " get types of their own, wider ones where answers would change most.")
  private String size;

  @Option(
      names = "--embeddings",
      description =
          "Type of the embedding tables, none to leave them (default: int8-channel; in GGUF q8_0).")
  private String embeddings;

  @Option(
      names = "--activation-order",
      description = "With gptq, whether columns with larger inputs go first (default: true).",
      arity = "1",
      defaultValue = "true")
  private boolean activationOrder;

  @Option(
      names = "--damping",
      description =
          "With gptq, added to the Hessian's diagonal, as a share of its mean (default: 0.01); ten"
              + " times as much, and said, where that is too little.")
  private Double damping;

  /** What layers read. */
  enum Activations {
    F32,
    DYNAMIC,
    STATIC;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Override
  public Integer call() throws IOException {
    Recipe recipe = size == null ? recipe(compression.gguf()) : mixed();
    compression.run(Terminal.of(spec), "quantizing", model, compute, recipe);
    return 0;
  }

  private Recipe recipe(boolean gguf) {
    try {
      Rounding rounding = rounding();
      DType blocks = type(gguf);
      DType tables =
          embeddings == null ? gguf ? Block.Q8_0 : new Affine(8, 0, true) : table(embeddings);
      List<Pass> passes = new ArrayList<>();
      if (method.equals(Awq.NAME)) {
        passes.add(new Awq(blocks, LayerSelection.blocks()));
      }
      passes.add(new Encode(blocks, rounding, LayerSelection.blocks()));
      // Static grids are found, and columns balanced, before weights are integers.
      int at = activations == Activations.STATIC ? passes.size() - 1 : passes.size();
      inputs().ifPresent(pass -> passes.add(at, pass));
      if (tables != null) {
        passes.add(new Encode(tables, LayerSelection.of(LayerKind.EMBEDDING)));
      }
      String inputs = activations == Activations.F32 ? "" : "-" + activations;
      return new Recipe(method + "-" + blocks.label() + inputs, passes);
    } catch (IllegalArgumentException e) {
      throw new WrongInput(e.getMessage());
    }
  }

  private Optional<Pass> inputs() {
    if (observer != null && activations != Activations.STATIC) {
      throw new WrongInput("--observer belongs to --activations static, not to " + activations);
    }
    return switch (activations) {
      case F32 -> Optional.empty();
      case DYNAMIC -> Optional.of(new RoundInputs(Input.DYNAMIC_INT8, LayerSelection.blocks()));
      case STATIC ->
          Optional.of(
              new StaticInputs(
                  observer == null ? Observer.USUAL : Observer.of(observer),
                  true,
                  true,
                  LayerSelection.blocks()));
    };
  }

  /** Types of every layer's own, within a file's size. */
  private Recipe mixed() {
    WrongInput.refuse(
        spec,
        "does nothing with --size",
        "--type",
        "--bits",
        "--group",
        "--symmetric",
        "--activations",
        "--observer");
    if (!compression.gguf()) {
      throw new WrongInput("--size is a GGUF file's: name one with --out MODEL.gguf");
    }
    if (method.equals(Awq.NAME)) {
      throw new WrongInput("--size goes with refit, gptq-range and gptq, not with awq");
    }
    try (Model read = Model.load(model.resolve(Terminal.of(spec)))) {
      DType tables = embeddings == null ? Block.Q8_0 : table(embeddings);
      double bits = Mix.bits(read, Size.bytes(size), tables, LayerSelection.blocks());
      List<Pass> passes = new ArrayList<>();
      passes.add(new Mix(bits, rounding(), LayerSelection.blocks()));
      if (tables != null) {
        passes.add(new Encode(tables, LayerSelection.of(LayerKind.EMBEDDING)));
      }
      return new Recipe(method + "-" + size, passes);
    } catch (IllegalArgumentException e) {
      throw new WrongInput(e.getMessage());
    }
  }

  private static DType table(String label) {
    return label.equals("none") ? null : DType.of(label);
  }

  private Rounding rounding() {
    Rounding.Method chosen = method();
    if (!chosen.propagates()) {
      var given = spec.commandLine().getParseResult();
      for (String option : List.of("--damping", "--activation-order")) {
        if (given.hasMatchedOption(option)) {
          throw new WrongInput(option + " belongs to gptq, not to " + method);
        }
      }
      return Rounding.of(chosen);
    }
    return new Rounding(chosen, damping == null ? Rounding.DAMPING : damping, activationOrder);
  }

  private Rounding.Method method() {
    if (method.equals(Awq.NAME)) {
      return Rounding.Method.REFIT;
    }
    try {
      return Rounding.Method.of(method);
    } catch (IllegalArgumentException e) {
      throw new WrongInput("--method: " + e.getMessage() + ", " + Awq.NAME);
    }
  }

  private DType type(boolean gguf) {
    var given = spec.commandLine().getParseResult();
    if (type != null) {
      for (String other : List.of("--bits", "--group", "--symmetric")) {
        if (given.hasMatchedOption(other)) {
          throw new WrongInput("--type=" + type + " says it all: leave " + other + " away");
        }
      }
      return DType.of(type);
    }
    if (activations != Activations.F32) {
      return integers(gguf);
    }
    if (!gguf) {
      return new Affine(bits, group, symmetric);
    }
    if (group != 32 || bits != 4 && bits != 8) {
      throw new WrongInput(
          "GGUF has groups of 32 and 4 or 8 bits: --bits="
              + bits
              + ", --group="
              + group
              + "; others are types of its own, as --type q3_k");
    }
    return bits == 8 ? Block.Q8_0 : symmetric ? Block.Q4_0 : Block.Q4_1;
  }

  /** What is multiplied with integers: 8 bits around zero, a scale a row. */
  private DType integers(boolean gguf) {
    if (gguf) {
      throw new WrongInput(
          "GGUF says nothing of activations: --activations=" + activations + " needs a folder");
    }
    if (bits != 8
        || spec.commandLine().getParseResult().hasMatchedOption("--group") && group != 0) {
      throw new WrongInput(
          "--activations="
              + activations
              + " needs --bits 8 and a scale a row: --bits="
              + bits
              + ", --group="
              + group);
    }
    return new Affine(8, 0, true);
  }
}
