package dev.hone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Commands that write another model. */
class CompressCommandsTest extends Commands {
  @Test
  void quantize() throws IOException {
    Path target = folder.resolve("quantized");
    String line = "quantize|{embedder}|--group|16|--calibration|{texts}|--out|" + target;
    JsonNode done = json(line);
    assertThat(keys(done))
        .containsExactly(
            "model", "target", "calibrationTokens", "bytesBefore", "bytesAfter", "notes", "layers");
    assertThat(done.get("layers")).hasSize(15);
    assertThat(done.get("layers").get(0).get("to").asText()).isEqualTo("int4-g16-asym");
    assertThat(done.get("layers").get(14).get("to").asText()).isEqualTo("int8-channel");
    assertThat(done.get("bytesAfter").asLong()).isLessThan(done.get("bytesBefore").asLong() / 3);
    assertThat(hone("embed|" + target + "|a king").out()).hasLineCount(1);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.filter(f -> f.getFileName().toString().startsWith("."))).isEmpty();
    }
  }

  /** Any width is stored packed, read back, and written as ONNX. */
  @Test
  void quantizeToThreeBits() {
    Path target = folder.resolve("three");
    String quantize =
        "quantize|{embedder}|--bits|3|--embeddings|int5-channel|--calibration|{texts}";
    JsonNode done = json(quantize + "|--out|" + target);
    assertThat(done.get("layers").findValuesAsText("to"))
        .contains("int3-g32-asym")
        .contains("int5-channel");
    // 10 columns a word, and a scale and a zero point for 32 of them; 6 columns a word in tables
    assertThat(done.get("bytesAfter").asLong()).isLessThan(done.get("bytesBefore").asLong() / 4);
    String vector = hone("embed|" + target + "|a king|--json").out();
    Path onnx = folder.resolve("three-onnx");
    Answer exported = hone("export|" + target + "|--out|" + onnx);
    assertThat(exported.code()).as(exported.err()).isZero();
    assertThat(hone("embed|" + onnx + "|a king|--json").out()).isEqualTo(vector);
  }

  @Test
  void quantizeGguf() {
    Path target = folder.resolve("quantized.gguf");
    Answer done =
        hone("quantize|{decoder}|--calibration|{texts}|--window|8|--samples|4|--out|" + target);
    assertThat(done.code()).as(done.err()).isZero();
    assertThat(done.out()).startsWith("22 matrices, ");
    JsonNode near = json("compare|{decoder}|" + target + "|--data|{texts}|--window|8").get("all");
    assertThat(near.get("divergence").asDouble()).isBetween(1e-6, 0.1);
    assertThat(hone("inspect|" + target).out()).contains("q4_1", "q8_0");
  }

  /** Rows of 64 and 96 columns are no blocks of 256, which is said. */
  @Test
  void quantizeToKQuants() {
    Path target = folder.resolve("k.gguf");
    Answer done =
        hone(
            "quantize|{decoder}|--type|q4_k|--calibration|{texts}|--window|8|--samples|4|--out|"
                + target);
    assertThat(done.err())
        .contains("21 matrices (")
        .contains("no whole blocks of q4_k: they became q5_0");
    assertThat(done.out()).contains("types: 21 q5_0, 1 q8_0");
  }

  @Test
  void quantizeToASize() throws IOException {
    Path target = folder.resolve("sized.gguf");
    Answer done =
        hone(
            "quantize|{decoder}|--size|160kB|--calibration|{texts}|--window|16|--samples|4|--out|"
                + target);
    assertThat(done.code()).as(done.err()).isZero();
    assertThat(Files.size(target)).isBetween(150_000L, 160_000L);
    assertThat(done.out()).contains("iq4_nl").contains("q5_1");
    JsonNode near = json("compare|{decoder}|" + target + "|--data|{texts}|--window|8").get("all");
    assertThat(near.get("divergence").asDouble()).isBetween(1e-7, 0.1);
  }

  @Test
  void optimizeADecoder() throws IOException {
    Path text = folder.resolve("long.txt");
    Files.writeString(text, "The king sleeps, and a rose by any other name. ".repeat(30));
    Path made = folder.resolve("decoder-optimized");
    String line =
        "optimize|{decoder}|--data|"
            + text
            + "|--window|16|--windows|20|--max-loss|0.05|--objective|latency|--trials|2|-o|"
            + made
            + "|--report|"
            + folder.resolve("reports");
    Answer plain = hone(line);
    assertThat(plain.code()).as(plain.err()).isZero();
    assertThat(plain.out())
        .contains("tokens/s", "try: ./hone generate " + made)
        .doesNotContain("texts/s");
    JsonNode report = hone(line + "|--json").json(); // of its log
    assertThat(report.at("/chosen/chooseLoss/high").asDouble()).isBetween(0.0, 0.05);
    assertThat(report.at("/chosen/generation/tokensPerSecond").asDouble()).isPositive();
    assertThat(keys(report.at("/chosen/metrics"))).contains("perplexity", "same first choice");
    assertThat(hone("generate|" + made + "|fox|--max-tokens|2").code()).isZero();
    JsonNode near =
        json("compare|{decoder}|" + made + "|--data|" + text + "|--window|16|--activations|INT8");
    assertThat(near.at("/all/divergence").asDouble())
        .isCloseTo(report.at("/chosen/loss").asDouble(), withinPercentage(50));
  }

  @Test
  void prune() {
    Path target = folder.resolve("sparse");
    JsonNode done =
        json(
            "prune|{classifier}|--unstructured|50%|--by|wanda|--scope|global|--calibration|{texts}"
                + "|--eval|{texts}|--output|"
                + target);
    assertThat(keys(done))
        .containsExactly(
            "model",
            "target",
            "calibrationTokens",
            "bytesBefore",
            "bytesAfter",
            "measured",
            "notes",
            "layers");
    double zeros = 0;
    double all = 0;
    for (JsonNode layer : done.get("layers")) {
      zeros += layer.get("zeros").asDouble() * layer.get("weights").asDouble();
      all += layer.get("weights").asDouble();
    }
    assertThat(zeros / all).isCloseTo(0.5, within(1e-4));
    assertThat(done.get("measured").findValuesAsText("what"))
        .containsExactly("divergence, mean", "changed answers", "ms for 3 texts");
    assertThat(hone("classify|" + target + "|a king").code()).isZero();
  }

  @Test
  void pruneStructures() {
    Path target = folder.resolve("narrow");
    Answer done =
        hone(
            "prune|{classifier}|--structured|30%|--calibration|{texts}|--eval|{texts}|--out|"
                + target);
    assertThat(done.code()).as(done.err()).isZero();
    assertThat(done.out()).contains("changed answers", "ms for 3 texts");
    assertThat(hone("classify|" + target + "|a king").code()).isZero();
    Path smaller = folder.resolve("narrower");
    JsonNode again =
        json(
            "prune|{embedder}|--heads|50%|--ffn|25%|--by|norm|--reconstruct|false|--out|"
                + smaller);
    assertThat(again.get("bytesAfter").asLong()).isLessThan(again.get("bytesBefore").asLong());
    assertThat(hone("embed|" + smaller + "|a king").code()).isZero();
  }

  @Test
  void pruneLayers() {
    Path target = folder.resolve("shallow");
    JsonNode done =
        json(
            "prune|{embedder}|--layers|50%|--by|similarity|--calibration|{texts}|--eval|{texts}"
                + "|--out|"
                + target);
    assertThat(done.get("layers")).hasSize(6);
    assertThat(done.get("layers").get(0).get("to").asText()).isEqualTo("removed");
    assertThat(json("inspect|" + target + "|--length|8").get("blocks").asInt()).isEqualTo(1);
    assertThat(hone("embed|" + target + "|a king").code()).isZero();
    assertThat(hone("export|" + target + "|--to|onnx|--out|" + folder.resolve("onnx")).code())
        .isZero();
    Path gguf = folder.resolve("shallow.gguf");
    Answer decoder =
        hone(
            "prune|{decoder}|--layers|1|--by|answers|--calibration|{texts}|--window|8|--out|"
                + gguf);
    assertThat(decoder.code()).as(decoder.err()).isZero();
    assertThat(decoder.out()).containsPattern("removed: model\\.layers\\.\\d\\R");
    assertThat(hone("inspect|" + gguf).out()).containsPattern("llama.block_count +UINT32 +2\\R");
    assertThat(hone("generate|" + gguf + "|fox|--max-tokens|3").code()).isZero();
  }

  @Test
  void pruneByTask() {
    Path target = folder.resolve("sparse-embedder");
    Answer done =
        hone("prune|{embedder}|--pattern|2:4|--task|scored-pairs|--eval|{pairs}|--out|" + target);
    assertThat(done.code()).as(done.err()).isZero();
    assertThat(done.out())
        .startsWith("12 matrices, ")
        .contains("zeros: 50.0 % of these")
        .contains("spearman", "cosine, mean", "ms for 3 texts");
  }

  @Test
  void compress() throws IOException {
    Path target = folder.resolve("compressed");
    write("recipe", "name: a\npasses: [{prune: 30%}, {encode: int8-channel}]\n");
    Answer done = hone("compress|{embedder}|--recipe|{recipe}|--out|" + target);
    assertThat(done.code()).as(done.err()).isZero();
    assertThat(done.out()).startsWith("24 matrices, ");
    Answer inspected = hone("inspect|" + target + "|--length|8");
    assertThat(inspected.out()).as(inspected.err()).contains("int8-channel");
  }

  /** What help and README show is a recipe, and the same. */
  @Test
  void compressByTheRecipeOfHelp() throws IOException {
    String help = hone("compress|--help").out();
    String recipe = help.substring(help.indexOf("  name: small"));
    assertThat(Files.readString(Path.of(System.getProperty("hone.root"), "README.md")))
        .contains("\n\n" + recipe.indent(2).stripTrailing() + "\n\n");
    write("shown", recipe.stripIndent().replace("int4-g64-asym", "int4-g16-asym"));
    Path target = folder.resolve("shown-compressed");
    Answer done =
        hone("compress|{embedder}|--recipe|{shown}|--calibration|{texts}|--out|" + target);
    assertThat(done.code()).as(done.err()).isZero();
    assertThat(done.out()).contains("12 int4-g16-asym", "3 int8-channel");
  }

  @Test
  void trim() {
    Path target = folder.resolve("trimmed");
    JsonNode done = json("trim|{embedder}|--texts|{texts}|--held-out|{pairs}|--out|" + target);
    assertThat(done.get("tokensAfter").asInt()).isLessThan(done.get("tokensBefore").asInt());
    assertThat(done.get("cutOtherwise").asInt()).isPositive();
    String texts = "|--file|{texts}";
    assertThat(hone("embed|" + target + texts).out())
        .isEqualTo(hone("embed|{embedder}" + texts).out());
    Answer again = hone("trim|{embedder}|--texts|{texts}|--out|" + target);
    assertThat(again.out()).as(again.err()).contains("tokens", "bytes").endsWith(target + "\n");
  }

  @Test
  void pruneDecoder() {
    Path target = folder.resolve("sparse.gguf");
    Answer done =
        hone(
            "prune|{decoder}|--unstructured|50%|--by|sparsegpt|--calibration|{texts}|--window|8"
                + "|--eval|{texts}|--out|"
                + target);
    assertThat(done.code()).as(done.err()).isZero();
    assertThat(done.out()).contains("perplexity", "divergence, mean", "same first choice");
  }
}
