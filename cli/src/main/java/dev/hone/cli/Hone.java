package dev.hone.cli;

import dev.hone.compress.RecipeException;
import dev.hone.compress.search.NothingPossibleException;
import dev.hone.compress.search.TooFewTextsException;
import dev.hone.hub.HubException;
import dev.hone.measure.TaskException;
import dev.hone.model.format.FormatException;
import dev.hone.runtime.UnsupportedByModelException;
import dev.hone.runtime.generate.PromptException;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tokenizer.TokenizerException;
import dev.hone.tokenizer.jinja.TemplateException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The program: every command, and what becomes of wrong input (one sentence, exit code 2). */
@Command(
    name = "hone",
    description = "Makes Transformers small and fast on the JVM, and proves it.",
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true,
    version = "hone 0.1.0")
public final class Hone implements Runnable {
  /** Every command, in the order in which help lists them. */
  private static final List<Class<?>> COMMANDS =
      List.of(
          Optimize.class,
          Quantize.class,
          PruneModel.class,
          Compress.class,
          Trim.class,
          Export.class,
          Embed.class,
          Classify.class,
          Tag.class,
          Rerank.class,
          Generate.class,
          Chat.class,
          Eval.class,
          CompareModels.class,
          Bench.class,
          Inspect.class,
          Doctor.class,
          Pull.class);

  /** What the user did wrong, said in one sentence by the one who noticed. */
  private static final List<Class<? extends Exception>> WRONG_INPUT =
      List.of(
          WrongInput.class,
          FormatException.class,
          HubException.class,
          TokenizerException.class,
          UnsupportedByModelException.class,
          PromptException.class,
          TemplateException.class,
          TaskException.class,
          RecipeException.class,
          TooFewTextsException.class,
          NothingPossibleException.class);

  @Spec private CommandSpec spec;

  @Option(
      names = "--stacktrace",
      scope = ScopeType.INHERIT,
      description = "On an error, print where it happened.")
  private boolean stacktrace;

  public static void main(String[] args) {
    var out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    var err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    if (args.length > 1) { // most commands with arguments will need the kernels
      Runnable assemble = () -> KernelTier.select(Optional.empty());
      Thread.ofPlatform().daemon().name("hone-kernels").start(assemble);
    }
    System.exit(run(out, err, args));
  }

  /** Runs a command; 0 where it did its job, 2 where the input was wrong, 1 where Hone failed. */
  static int run(PrintWriter out, PrintWriter err, String... args) {
    var hone = new Hone();
    CommandLine line = commandLine(hone, args);
    line.setOut(out).setErr(err).setCaseInsensitiveEnumValuesAllowed(true);
    line.setParameterExceptionHandler(
        (e, _) -> {
          String command = e.getCommandLine().getCommandSpec().qualifiedName();
          err.println("hone: " + e.getMessage() + "; see " + command + " --help");
          return 2;
        });
    line.setExecutionExceptionHandler(
        (e, _, _) -> {
          if (hone.stacktrace) {
            e.printStackTrace(err);
          }
          Optional<String> wrong = wrongInput(e);
          // A library's part of the message may have several lines.
          err.println(wrong.map(w -> "hone: " + oneLine(w)).orElse("hone failed: " + e));
          if (wrong.isEmpty() && !hone.stacktrace) {
            err.println("Run it again with --stacktrace to see where.");
          }
          return wrong.isPresent() ? 2 : 1;
        });
    return line.execute(args);
  }

  /** What the user did wrong; empty where Hone failed. */
  private static Optional<String> wrongInput(Throwable e) {
    if (WRONG_INPUT.stream().anyMatch(c -> c.isInstance(e))) {
      return Optional.of(e.getMessage());
    }
    return switch (e) {
      case UncheckedIOException unchecked -> wrongInput(unchecked.getCause());
      case FileSystemException place ->
          Optional.of(place.getFile() + ": " + WrongInput.reason(place));
      default -> Optional.empty();
    };
  }

  private static String oneLine(String message) {
    return message.lines().map(String::strip).collect(Collectors.joining(" "));
  }

  /**
   * With the commands that the arguments name, or with all where they name none: picocli takes half
   * a second to read what all are like.
   */
  private static CommandLine commandLine(Hone hone, String... args) {
    var line = new CommandLine(hone);
    Set<String> named = new HashSet<>(List.of(args));
    List<Class<?>> wanted = COMMANDS.stream().filter(c -> named.contains(name(c))).toList();
    (wanted.isEmpty() ? COMMANDS : wanted).forEach(line::addSubcommand);
    return line;
  }

  private static String name(Class<?> command) {
    return command.getAnnotation(Command.class).name();
  }

  static List<String> commandNames() {
    return COMMANDS.stream().<String>map(Hone::name).toList();
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }
}
