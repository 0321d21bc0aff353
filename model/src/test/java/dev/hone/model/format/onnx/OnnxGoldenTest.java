package dev.hone.model.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.architecture.Architectures;
import dev.hone.model.architecture.Layers;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.Formats;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files of both of PyTorch's exporters against the checkpoints that they were exported from. */
@Tag("shared")
class OnnxGoldenTest {
  private static final Path SHARED = Path.of(System.getProperty("hone.shared", "."));
  private final Arena arena = Arena.ofConfined();
  @TempDir Path folder;

  @AfterEach
  void close() {
    arena.close();
  }

  @ParameterizedTest
  @CsvSource({
    "bert, torchscript", "bert, dynamo",
    "distilbert, torchscript", "distilbert, dynamo",
    "roberta, torchscript", "roberta, dynamo",
    "xlm-roberta, torchscript", "xlm-roberta, dynamo",
  })
  void readsTheModelThatWasExported(String architecture, String exporter) {
    Path golden = SHARED.resolve("goldens").resolve(architecture);
    Config config = Config.read(golden.resolve("config.json"));
    Transformer wanted = model(config, Formats.open(golden, arena));
    Transformer read = model(config, Onnx.open(onnx(architecture, exporter), arena));
    assertThat(numbers(read)).isEqualTo(numbers(wanted));
    assertThat(numbers(read)).hasSizeGreaterThan(50);
  }

  @ParameterizedTest
  @CsvSource({
    "bert, torchscript", "bert, dynamo",
    "distilbert, torchscript", "distilbert, dynamo",
    "roberta, torchscript", "roberta, dynamo",
    "xlm-roberta, torchscript", "xlm-roberta, dynamo",
    "mpnet, torchscript", "mpnet, dynamo",
    "modernbert, torchscript", "modernbert, dynamo",
  })
  void givesEveryTensorOfTheCheckpointItsName(String architecture, String exporter) {
    Checkpoint wanted = Formats.open(SHARED.resolve("goldens").resolve(architecture), arena);
    Checkpoint read = Onnx.open(onnx(architecture, exporter), arena);
    assertThat(read.names()).containsAll(wanted.names());
    for (String name : wanted.names()) {
      assertThat(floats(read.tensor(name))).as(name).isEqualTo(floats(wanted.tensor(name)));
      assertThat(read.tensor(name).shape()).as(name).isEqualTo(wanted.tensor(name).shape());
    }
    // What an exporter keeps beside the weights: tables that the model computes from its config.
    Set<String> more = new TreeSet<>(read.names());
    more.removeAll(wanted.names());
    assertThat(more)
        .allMatch(
            name ->
                name.endsWith(".position_ids")
                    || name.endsWith(".token_type_ids")
                    || name.endsWith("_inv_freq")
                    || name.endsWith("norm.bias"));
  }

  @Test
  void readsTribuosTinyBert() throws IOException {
    Config config =
        config(
            """
            {"model_type": "bert", "hidden_size": 50, "num_hidden_layers": 1,
             "num_attention_heads": 1, "intermediate_size": 200, "hidden_act": "gelu",
             "vocab_size": 1656, "max_position_embeddings": 100, "type_vocab_size": 2}\
            """);
    Path file = SHARED.resolve("assets/models/tribuo-tinybert-onnx/tinybert.onnx");
    Transformer model = model(config, Onnx.open(file, arena));
    assertThat(model.blocks()).hasSize(1);
    assertThat(
            model
                .blocks()
                .getFirst()
                .attention()
                .projections()
                .layers()
                .getFirst()
                .weight()
                .tensor()
                .shape())
        .containsExactly(50, 50);
  }

  private static Path onnx(String architecture, String exporter) {
    return SHARED.resolve("goldens/onnx/" + architecture + "-" + exporter + ".onnx");
  }

  private Transformer model(Config config, Checkpoint checkpoint) {
    return Architectures.of(config).read(config, new Layers(checkpoint, arena));
  }

  private Config config(String json) throws IOException {
    return Config.read(Files.writeString(folder.resolve("config.json"), json));
  }

  private Map<String, String> numbers(Transformer model) {
    Map<String, String> numbers = new TreeMap<>();
    for (Weight weight : model.weights()) {
      numbers.put(
          weight.name(),
          weight.tensor().shapeText() + " " + Arrays.hashCode(floats(weight.tensor())));
    }
    return numbers;
  }

  private float[] floats(Tensor tensor) {
    return Layouts.decode(tensor, arena).toArray();
  }
}
