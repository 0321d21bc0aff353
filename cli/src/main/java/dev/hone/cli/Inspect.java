package dev.hone.cli;

import dev.hone.measure.ChatCases;
import dev.hone.measure.Cost;
import dev.hone.measure.Golden;
import dev.hone.measure.TextTable;
import dev.hone.measure.TokenizerCases;
import dev.hone.measure.Units;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.Formats;
import dev.hone.model.format.gguf.Gguf;
import dev.hone.runtime.Engine;
import dev.hone.runtime.ModelTokenizer;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import dev.hone.tokenizer.ChatTemplate;
import dev.hone.tokenizer.Tokenizer;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code hone inspect}: what a model consists of, what it costs, and whether it is ported right.
 */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = {
      "Prints a model's parts and the operations and bytes that each needs; of a GGUF file what it"
          + " says of itself first.",
      "With --memory it loads the model as commands that run it do, and tells what that takes.",
      "With --golden it runs the token ids of a safetensors file (ids.0, hidden.0, logits.0, ...)"
          + " and prints how far the answers are from the reference's; exit code 1 where one is"
          + " further than --tolerance. Where the file has greedy.0, ... a decoder's own tokens"
          + " must be the same up to the first step that rounding could decide; the JSON's"
          + " greedyAgrees is null where it has none.",
      "With --golden NAME.inp, texts between lines of __ggml_vocab_test__ whose ids stand in"
          + " NAME.out, it checks the tokenizer; exit code 1 where one text differs.",
      "With --golden CHAT.json, a chat template with what it renders of conversations.json beside"
          + " it, it checks the template, or MODEL's own where one is given; exit code 1 where one"
          + " case differs."
    },
    footer = {
      "",
      "Examples:",
      "  hone inspect minilm --batch 8 --length 512",
      "  hone inspect ./my-model --golden golden.safetensors",
      "  hone inspect model.gguf --weights",
      "  hone inspect model.gguf --memory",
      "  hone inspect vocabulary.gguf --golden vocabulary.gguf.inp",
      "  hone inspect --golden chat.json"
    })
final class Inspect implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ComputeOptions compute;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "MODEL",
      description = ModelName.DESCRIPTION + " Only --golden CHAT.json needs none.")
  private String name;

  @Option(names = "--batch", defaultValue = "1", description = "Texts (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(
      names = "--length",
      defaultValue = "128",
      description = "Tokens of each text (default: ${DEFAULT-VALUE}).")
  private int length;

  @Option(names = "--golden", paramLabel = "FILE", description = "Reference answers.")
  private Path golden;

  @Option(
      names = "--tolerance",
      defaultValue = "1e-4",
      description =
          "With --golden: largest difference relative to the spread (default: ${DEFAULT-VALUE}).")
  private double tolerance;

  @Option(names = "--weights", description = "List every weight.")
  private boolean weights;

  @Option(names = "--memory", description = "Tell what it takes in memory.")
  private boolean memory;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    if (golden == null) {
      WrongInput.refuse(spec, "does nothing without --golden", "--tolerance");
      if (!memory) {
        WrongInput.refuse(spec, "does nothing without --golden or --memory", ComputeOptions.NAMES);
      }
    } else {
      WrongInput.refuse(
          spec, "does nothing with --golden", "--batch", "--length", "--weights", "--memory");
    }
    if (golden != null && golden.toString().endsWith(ChatCases.ENDING)) {
      return chat(terminal);
    }
    if (name == null) {
      throw new WrongInput("give a MODEL; only --golden CHAT.json needs none");
    }
    var model = new ModelName(name);
    Path path = model.resolve(terminal);
    if (golden != null && golden.toString().endsWith(TokenizerCases.ENDING)) {
      return tokenize(path, terminal);
    }
    Optional<Path> gguf = Formats.gguf(path);
    if (golden == null && gguf.isPresent()) {
      return describeGguf(gguf.get(), terminal);
    }
    try (Model loaded = Model.load(path)) {
      return golden == null
          ? describe(loaded, new LinkedHashMap<>(), terminal)
          : compare(loaded, terminal);
    }
  }

  /** What the file says, and then what the model is, where it is one that runs. */
  private int describeGguf(Path file, Terminal terminal) {
    Map<String, Object> description = new LinkedHashMap<>();
    try (Arena arena = Arena.ofConfined()) {
      var gguf = new InspectGguf(Gguf.open(file, arena));
      if (json) {
        description.put("gguf", gguf.json(weights));
      } else {
        gguf.print(terminal, name, weights);
      }
    }
    try (Model loaded = Model.load(file)) {
      if (!json) {
        terminal.out().println();
      }
      return describe(loaded, description, terminal);
    } catch (FormatException e) {
      if (json) {
        description.put("cannotRun", e.getMessage());
        terminal.json(description);
      } else {
        terminal.note("Hone cannot run it: " + e.getMessage());
      }
      return 0;
    }
  }

  private int tokenize(Path path, Terminal terminal) {
    List<TokenizerCases.Case> cases;
    try (Arena arena = Arena.ofConfined();
        Tokenizer tokenizer =
            Formats.gguf(path)
                .map(file -> ModelTokenizer.of(Gguf.open(file, arena).metadata()))
                .orElseGet(() -> Tokenizer.load(path))) {
      cases = TokenizerCases.compare(tokenizer, golden);
    }
    List<TokenizerCases.Case> others = cases.stream().filter(c -> !c.agrees()).toList();
    if (json) {
      Map<String, Object> comparison = new LinkedHashMap<>();
      comparison.put("agrees", others.isEmpty());
      comparison.put("cases", cases.size());
      comparison.put("different", others);
      terminal.json(comparison);
    } else {
      others.forEach(
          c ->
              terminal
                  .out()
                  .printf(
                      "case %d: \"%s\"%n  wanted %s%n  found  %s%n",
                      c.number(),
                      c.text(),
                      Arrays.toString(c.expected()),
                      Arrays.toString(c.found())));
      terminal.out().printf("%d of %d texts agree%n", cases.size() - others.size(), cases.size());
    }
    return others.isEmpty() ? 0 : 1;
  }

  private int chat(Terminal terminal) {
    WrongInput.refuse(spec, "does nothing with a chat template", "--tolerance");
    WrongInput.refuse(spec, "does nothing with a chat template", ComputeOptions.NAMES);
    Optional<ChatTemplate> own = Optional.empty();
    if (name != null) {
      try (Model loaded = Model.load(new ModelName(name).resolve(terminal));
          Tokenizer tokenizer = ModelTokenizer.load(loaded)) {
        own = ModelTokenizer.chatTemplate(loaded, tokenizer);
      }
      if (own.isEmpty()) {
        throw new WrongInput(name + " has no chat template");
      }
    }
    List<ChatCases.Case> cases = ChatCases.compare(golden, own);
    List<ChatCases.Case> others = cases.stream().filter(c -> !c.agrees()).toList();
    if (json) {
      Map<String, Object> comparison = new LinkedHashMap<>();
      comparison.put("agrees", others.isEmpty());
      comparison.put("cases", cases.size());
      comparison.put("different", others);
      terminal.json(comparison);
    } else {
      others.forEach(
          c ->
              terminal
                  .out()
                  .printf(
                      "case %d, %s:%n  wanted%s %s%n  found%s  %s%n",
                      c.number(),
                      c.conversation(),
                      c.error() ? " the error" : "",
                      c.expected().replace("\n", "\\n"),
                      c.foundError() ? " the error" : "",
                      c.found().replace("\n", "\\n")));
      terminal.out().printf("%d of %d cases agree%n", cases.size() - others.size(), cases.size());
    }
    return others.isEmpty() ? 0 : 1;
  }

  /** A weight as JSON has it. */
  record Stored(String name, String type, long[] shape, long bytes) {
    static Stored of(Weight w) {
      return new Stored(
          w.name(), w.tensor().dtype().label(), w.tensor().shape(), w.tensor().sizeBytes());
    }
  }

  private int describe(Model loaded, Map<String, Object> description, Terminal terminal) {
    Transformer transformer = loaded.transformer();
    int limit = transformer.embeddings().maxTokens();
    if (batch < 1 || length < 1 || length > limit) {
      throw new WrongInput(
          "--batch must be at least 1 and --length from 1 to " + limit + ", the model's positions");
    }
    Cost cost = Cost.of(transformer, batch, length);
    Optional<InspectMemory> taken =
        memory
            ? Optional.of(InspectMemory.of(loaded.source(), compute, terminal))
            : Optional.empty();
    if (json) {
      description.put("model", name);
      description.put("blocks", transformer.blocks().size());
      description.put("hidden", transformer.hidden());
      description.put("maxTokens", limit);
      description.put("fileBytes", loaded.weightFileBytes());
      description.put("bytesByType", bytesByType(transformer));
      description.put("unused", loaded.unused());
      taken.ifPresent(t -> description.put("memory", t));
      description.put("cost", cost);
      if (weights) {
        description.put("weights", transformer.weights().stream().map(Stored::of).toList());
      }
      terminal.json(description);
      return 0;
    }
    terminal
        .out()
        .printf(
            Locale.ROOT,
            "%s: %d blocks, hidden %d, up to %d tokens, %s on disk%n",
            name,
            transformer.blocks().size(),
            transformer.hidden(),
            limit,
            Units.bytes(loaded.weightFileBytes()));
    terminal
        .out()
        .println(
            "weights: "
                + bytesByType(transformer).entrySet().stream()
                    .map(e -> e.getKey() + " " + Units.bytes(e.getValue()))
                    .collect(Collectors.joining(", ")));
    taken.ifPresent(t -> terminal.out().println(t.text()));
    if (!loaded.unused().isEmpty()) {
      terminal.out().println("not used: " + String.join(", ", loaded.unused()));
    }
    terminal.out().printf("%n%d x %d tokens:%n%s%n", batch, length, cost.table());
    if (weights) {
      var table = new TextTable(List.of("weight", "type", "shape", "bytes"), "lllr");
      transformer
          .weights()
          .forEach(
              w ->
                  table.row(
                      w.name(),
                      w.tensor().dtype().label(),
                      w.tensor().shapeText(),
                      Units.bytes(w.tensor().sizeBytes())));
      terminal.out().println();
      terminal.out().println(table);
    }
    return 0;
  }

  private static Map<String, Long> bytesByType(Transformer transformer) {
    return transformer.weights().stream()
        .map(Weight::tensor)
        .collect(
            Collectors.groupingBy(
                t -> t.dtype().label(),
                TreeMap::new,
                Collectors.summingLong(dev.hone.tensor.Tensor::sizeBytes)));
  }

  private int compare(Model loaded, Terminal terminal) {
    if (!Files.isRegularFile(golden)) {
      throw new WrongInput(golden + " is no file: --golden wants a safetensors file");
    }
    KernelTier.Selection selection = KernelTier.select(compute.kernels());
    selection.warnings().forEach(terminal::warn);
    try (var pool = new ComputePool(compute.threads());
        Engine engine = new Engine(loaded.transformer(), selection.tier().create(pool))) {
      List<Golden.Difference> differences = Golden.compare(engine, golden);
      List<Golden.Greedy> greedy = Golden.greedy(engine, golden);
      boolean agrees =
          differences.stream().allMatch(d -> d.relative() <= tolerance)
              && greedy.stream().allMatch(Golden.Greedy::agrees);
      if (json) {
        Map<String, Object> comparison = new LinkedHashMap<>();
        comparison.put("agrees", agrees);
        comparison.put(
            "greedyAgrees",
            greedy.isEmpty() ? null : greedy.stream().allMatch(Golden.Greedy::agrees));
        comparison.put("tolerance", tolerance);
        comparison.put("differences", differences);
        comparison.put("greedy", greedy);
        terminal.json(comparison);
      } else {
        var table = new TextTable(List.of("", "tokens", "largest", "of spread"), "lrrr");
        differences.forEach(
            d ->
                table.row(
                    d.what(),
                    String.valueOf(d.tokens()),
                    String.format(Locale.ROOT, "%.2e", d.largest()),
                    String.format(Locale.ROOT, "%.2e", d.relative())));
        terminal.out().println(table);
        greedy.forEach(
            g ->
                terminal
                    .out()
                    .printf(
                        "%s: the first %d of %d tokens agree%n",
                        g.what(), g.agreed(), g.compared()));
        terminal.out().println(agrees ? "agrees" : "differs");
      }
      return agrees ? 0 : 1;
    }
  }
}
