package dev.hone.cli;

import dev.hone.runtime.Encoder;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
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
  @Mixin private TextOptions input;

  @Parameters(index = "1..*", paramLabel = "TEXT", description = "The texts.")
  private List<String> arguments;

  @Option(names = "--prompt", description = "Name of the model's prompt put before every text.")
  private String prompt;

  @Option(names = "--json", description = "Print JSON: an array of {text, vector}.")
  private boolean json;

  /** A text and its vector as JSON has them. */
  record Embedded(String text, float[] vector) {}

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    List<String> texts = input.texts(arguments);
    try (Encoder encoder = model.encoder(terminal)) {
      List<float[]> vectors =
          prompt == null ? encoder.embed(texts) : encoder.embed(texts, Optional.of(prompt));
      if (json) {
        terminal.json(
            IntStream.range(0, texts.size())
                .mapToObj(i -> new Embedded(texts.get(i), vectors.get(i)))
                .toList());
      } else {
        vectors.forEach(vector -> terminal.out().println(line(vector)));
      }
    }
    return 0;
  }

  private static String line(float[] vector) {
    return IntStream.range(0, vector.length)
        .mapToObj(i -> Float.toString(vector[i]))
        .collect(Collectors.joining(" "));
  }
}
