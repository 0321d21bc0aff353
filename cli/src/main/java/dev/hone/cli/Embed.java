package dev.hone.cli;

import dev.hone.runtime.Encoder;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code hone embed}: texts in, vectors out. */
@Command(
    name = "embed",
    mixinStandardHelpOptions = true,
    description = "Prints the vector of each text, a line a text.",
    footer = {"", "Example:", "  hone embed minilm \"A man is playing a guitar.\""})
final class Embed implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;

  @Option(names = "--prompt", description = "Name of the model's prompt put before every text.")
  private String prompt;

  @Option(names = "--json", description = "Print JSON: an array of {text, vector}.")
  private boolean json;

  @Parameters(index = "1..*", arity = "1..*", paramLabel = "TEXT", description = "The texts.")
  private List<String> texts;

  /** A text and its vector as JSON has them. */
  record Embedded(String text, float[] vector) {}

  @Override
  public Integer call() {
    var terminal = new Terminal(spec.commandLine().getOut(), spec.commandLine().getErr());
    try (Encoder encoder = model.encoder(terminal)) {
      List<float[]> vectors =
          prompt == null ? encoder.embed(texts) : encoder.embed(texts, Optional.of(prompt));
      if (json) {
        terminal.json(
            java.util.stream.IntStream.range(0, texts.size())
                .mapToObj(i -> new Embedded(texts.get(i), vectors.get(i)))
                .toList());
      } else {
        for (float[] vector : vectors) {
          terminal.out().println(line(vector));
        }
      }
    }
    return 0;
  }

  private static String line(float[] vector) {
    var line = new StringBuilder();
    for (float x : vector) {
      line.append(line.isEmpty() ? "" : " ").append(x);
    }
    return line.toString();
  }
}
