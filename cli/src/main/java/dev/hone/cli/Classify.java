package dev.hone.cli;

import dev.hone.runtime.Candidates;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.Label;
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

/** {@code hone classify}: texts in, labels with scores out. */
@Command(
    name = "classify",
    mixinStandardHelpOptions = true,
    description = {
      "Prints the labels of each text with their scores, best first, a line a text.",
      "With --labels the model, one of natural language inference, judges labels it was never"
          + " trained on."
    },
    footer = {"", "Example:", "  hone classify ./my-classifier \"A charming film.\""})
final class Classify implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private TextOptions input;

  @Parameters(index = "1..*", paramLabel = "TEXT", description = "The texts.")
  private List<String> arguments;

  @Option(
      names = "--labels",
      split = ",",
      paramLabel = "LABEL",
      description = "Zero-shot: the labels to judge, separated by commas.")
  private List<String> labels;

  @Option(
      names = "--template",
      defaultValue = "This example is {}.",
      description = "Zero-shot: the sentence about a label (default: ${DEFAULT-VALUE}).")
  private String template;

  @Option(names = "--multi-label", description = "Zero-shot: judge each label for itself.")
  private boolean multiLabel;

  @Option(names = "--json", description = "Print JSON: an array of {text, labels}.")
  private boolean json;

  /** A text and its labels as JSON has them. */
  record Classified(String text, List<Label> labels) {}

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    if (labels == null) {
      WrongInput.refuse(spec, "does nothing without --labels", "--template", "--multi-label");
    }
    List<String> texts = input.texts(arguments);
    try (Encoder encoder = model.encoder(terminal)) {
      List<List<Label>> answers =
          labels == null ? encoder.classify(texts) : encoder.classify(texts, candidates());
      if (json) {
        terminal.json(
            IntStream.range(0, texts.size())
                .mapToObj(i -> new Classified(texts.get(i), answers.get(i)))
                .toList());
      } else {
        answers.forEach(answer -> terminal.out().println(line(answer)));
      }
    }
    return 0;
  }

  private Candidates candidates() {
    try {
      return new Candidates(labels, template, multiLabel);
    } catch (IllegalArgumentException e) {
      throw new WrongInput(e.getMessage());
    }
  }

  private static String line(List<Label> labels) {
    return labels.stream()
        .map(l -> String.format(Locale.ROOT, "%s %.4f", l.name(), l.score()))
        .collect(Collectors.joining("  "));
  }
}
