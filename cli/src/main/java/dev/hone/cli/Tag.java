package dev.hone.cli;

import dev.hone.runtime.Aggregation;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.Entity;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code hone tag}: texts in, labelled spans out. */
@Command(
    name = "tag",
    mixinStandardHelpOptions = true,
    description = "Prints the entities of each text with their spans, a line a text.",
    footer = {"", "Example:", "  hone tag ./my-tagger \"Anna lives in New York.\""})
final class Tag implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private TextOptions input;

  @Parameters(index = "1..*", paramLabel = "TEXT", description = "The texts.")
  private List<String> arguments;

  @Option(
      names = "--aggregation",
      defaultValue = "simple",
      description =
          "How tokens become entities: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Aggregation aggregation;

  @Option(names = "--json", description = "Print JSON: an array of {text, entities}.")
  private boolean json;

  /** A text and its entities as JSON has them. */
  record Tagged(String text, List<Span> entities) {}

  /** An entity as JSON has it; offsets count UTF-16 units, the end is exclusive. */
  record Span(String label, float score, String word, int start, int end) {
    static Span of(Entity e) {
      return new Span(e.label(), e.score(), e.word(), e.start(), e.end());
    }
  }

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    List<String> texts = input.texts(arguments);
    try (Encoder encoder = model.encoder(terminal)) {
      List<List<Entity>> answers = encoder.tag(texts, aggregation);
      if (json) {
        terminal.json(
            IntStream.range(0, texts.size())
                .mapToObj(
                    i -> new Tagged(texts.get(i), answers.get(i).stream().map(Span::of).toList()))
                .toList());
      } else {
        for (int i = 0; i < texts.size(); i++) {
          terminal.out().println(line(texts.get(i), answers.get(i)));
        }
      }
    }
    return 0;
  }

  private static String line(String text, List<Entity> entities) {
    return entities.stream()
        .map(
            e ->
                String.format(
                    Locale.ROOT,
                    "%s[%d,%d) \"%s\" %.4f",
                    e.label(),
                    e.start(),
                    e.end(),
                    text.substring(e.start(), e.end()),
                    e.score()))
        .collect(Collectors.joining("  "));
  }
}
