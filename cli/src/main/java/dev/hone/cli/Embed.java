package dev.hone.cli;

import dev.hone.runtime.Encoder;
import dev.hone.runtime.Int8Vector;
import dev.hone.runtime.Matryoshka;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.IntFunction;
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
    footer = {
      "",
      "Examples:",
      "  hone embed minilm \"A man is playing a guitar.\"",
      "  hone embed minilm --file texts.txt --vectors int8 --dimensions 256"
    })
final class Embed implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private TextOptions input;

  @Parameters(index = "1..*", paramLabel = "TEXT", description = "The texts.")
  private List<String> arguments;

  @Option(names = "--prompt", description = "Name of the model's prompt put before every text.")
  private String prompt;

  @Option(
      names = "--vectors",
      defaultValue = "f32",
      description =
          "f32 (default), or int8: whole numbers from -127 to 127, in a quarter of the bytes, whose"
              + " cosines are those of the vectors; --json has the scale of their steps.")
  private Numbers numbers;

  @Option(
      names = "--dimensions",
      paramLabel = "N",
      description =
          "The first N numbers of each vector, as long as the whole was: of models trained for it"
              + " (Matryoshka) little is lost, of others more.")
  private Integer dimensions;

  @Option(
      names = "--json",
      description = "Print JSON: an array of {text, vector}, of int8 {text, vector, scale}.")
  private boolean json;

  /** What vectors consist of. */
  enum Numbers {
    F32,
    INT8
  }

  /** A text and its vector as JSON has them. */
  record Embedded(String text, float[] vector) {}

  /** The same in 8 bits. */
  record Rounded(String text, int[] vector, float scale) {}

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    List<String> texts = input.texts(arguments);
    try (Encoder encoder = model.encoder(terminal)) {
      List<float[]> vectors =
          (prompt == null ? encoder.embed(texts) : encoder.embed(texts, Optional.of(prompt)))
              .stream().map(this::shortened).toList();
      switch (numbers) {
        case F32 -> {
          if (json) {
            terminal.json(each(texts, i -> new Embedded(texts.get(i), vectors.get(i))));
          } else {
            vectors.forEach(vector -> terminal.out().println(line(vector)));
          }
        }
        case INT8 -> {
          List<Int8Vector> rounded = vectors.stream().map(Int8Vector::of).toList();
          if (json) {
            terminal.json(each(texts, i -> rounded(texts.get(i), rounded.get(i))));
          } else {
            rounded.forEach(vector -> terminal.out().println(line(vector.q())));
          }
        }
      }
    }
    return 0;
  }

  private float[] shortened(float[] vector) {
    try {
      return dimensions == null ? vector : Matryoshka.shortened(vector, dimensions);
    } catch (IllegalArgumentException e) {
      throw new WrongInput("--" + e.getMessage());
    }
  }

  private static <T> List<T> each(List<String> texts, IntFunction<T> made) {
    return IntStream.range(0, texts.size()).mapToObj(made).toList();
  }

  private static Rounded rounded(String text, Int8Vector vector) {
    int[] numbers = IntStream.range(0, vector.q().length).map(i -> vector.q()[i]).toArray();
    return new Rounded(text, numbers, vector.scale());
  }

  private static String line(float[] vector) {
    return IntStream.range(0, vector.length)
        .mapToObj(i -> Float.toString(vector[i]))
        .collect(Collectors.joining(" "));
  }

  private static String line(byte[] vector) {
    return IntStream.range(0, vector.length)
        .mapToObj(i -> Byte.toString(vector[i]))
        .collect(Collectors.joining(" "));
  }
}
