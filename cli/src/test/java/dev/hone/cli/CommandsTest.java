package dev.hone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.Batch;
import dev.hone.model.folder.Model;
import dev.hone.model.format.gguf.GgufWriter;
import dev.hone.model.format.gguf.MetadataValue;
import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.runtime.Engine;
import dev.hone.tensor.DType;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every command on tiny models: results go to standard output, notes to standard error, and wrong
 * input gets one sentence and exit code 2.
 */
class CommandsTest {
  private static final int[] IDS = {2, 17, 99, 300, 3};

  @TempDir private static Path folder;
  private static final Map<String, String> PATHS = new LinkedHashMap<>();

  @BeforeAll
  static void writeModelsAndFiles() throws IOException {
    PATHS.put("embedder", TinyModels.copy("embed-mean", folder).toString());
    PATHS.put("classifier", TinyModels.copy("classify-one-of-three", folder).toString());
    PATHS.put("tagger", TinyModels.copy("tokens", folder).toString());
    PATHS.put("decoder", TinyModels.decoder(folder.resolve("decoder.gguf")).toString());
    PATHS.put("chatter", TinyModels.chat(folder).toString());
    PATHS.put("foreign", Files.createDirectory(folder.resolve("foreign")).toString());
    PATHS.put("missing", folder.resolve("missing.tsv").toString());
    write("empty", "");
    write("broken", "mine:\n  title: [\n  kind: }\n");
    write("texts", "The king sleeps.\nA rose by any other name.\nfox\n");
    write("labelled", "text\tlabel\nfine\tpositive\nawful\tnegative\nso so\tneutral\n");
    write(
        "pairs",
        "sentence1\tsentence2\tscore\n"
            + "a king\ta queen\t4\n"
            + "a fox\ta boat\t1\n"
            + "we sleep\tthey sleep\t3\n");
    writeGoldens();
  }

  private static void write(String name, String text) throws IOException {
    Path file = folder.resolve(name + ".tsv");
    PATHS.put(name, Files.writeString(file, text).toString());
  }

  /** What the plain kernels answer to some ids; the same, off by a little; and ids alone. */
  private static void writeGoldens() throws IOException {
    try (var pool = new ComputePool(1);
        Arena arena = Arena.ofConfined();
        Model model = Model.load(Path.of(PATHS.get("embedder")));
        Engine engine = new Engine(model.transformer(), KernelTier.SCALAR.create(pool))) {
      Tensor ids = Tensor.allocate(arena, DType.Plain.I32, IDS.length);
      for (int i = 0; i < IDS.length; i++) {
        ids.data().setAtIndex(ValueLayout.JAVA_INT, i, IDS[i]);
      }
      float[][] rows = engine.hidden(Batch.of(List.of(IDS)));
      Tensor hidden = Tensor.allocate(arena, DType.Plain.F32, IDS.length, rows[0].length);
      for (int i = 0; i < rows.length; i++) {
        hidden.row(i).copyFrom(java.lang.foreign.MemorySegment.ofArray(rows[i]));
      }
      writeGolden("golden", Map.of("ids", ids, "hidden", hidden));
      hidden.row(2).set(Tensor.FLOAT, 0, rows[2][0] + 0.1f);
      writeGolden("shifted", Map.of("ids", ids, "hidden", hidden));
      writeGolden("ids-alone", Map.of("ids", ids));
    }
  }

  private static void writeGolden(String name, Map<String, Tensor> tensors) throws IOException {
    Path file = folder.resolve(name + ".safetensors");
    SafetensorsWriter.write(file, tensors, Map.of());
    PATHS.put(name, file.toString());
  }

  private static Answer hone(String line) {
    return Answer.of(
        Stream.of(line.split("\\|")).map(CommandsTest::argument).toArray(String[]::new));
  }

  private static String argument(String word) {
    boolean named = word.startsWith("{") && word.endsWith("}");
    return named ? PATHS.get(word.substring(1, word.length() - 1)) : word;
  }

  /** The answer to a line that is right, without and then with {@code --json}. */
  private static JsonNode json(String line) {
    Answer plain = hone(line);
    assertThat(plain.code()).as(plain.err()).isZero();
    assertThat(plain.out()).isNotBlank().doesNotStartWith("[{").doesNotStartWith("{");
    Answer json = hone(line + "|--json");
    assertThat(json.code()).as(json.err()).isZero();
    return json.json();
  }

  private static List<String> keys(JsonNode object) {
    return object.propertyStream().map(Map.Entry::getKey).toList();
  }

  /** A command line each, words between bars; a file's or model's name in braces is its path. */
  static List<String> wrongInput() {
    return List.of(
        "embed|no-such-model|fox",
        "embed|{embedder}",
        "embed|{embedder}|--file|{missing}",
        "embed|{embedder}|fox|--file|{texts}",
        "embed|{embedder}|--file|{empty}",
        "embed|{embedder}|fox|--prompt|nosuch",
        "embed|{embedder}|fox|--max-tokens|65",
        "embed|{embedder}|fox|--max-tokens|2",
        "embed|{embedder}|fox|--dimensions|65",
        "embed|{embedder}|fox|--dimensions|0",
        "embed|{embedder}|fox|--vectors|int3",
        "embed|{embedder}|fox|--threads|0",
        "embed|{embedder}|fox|--kernels|warp",
        "embed|{classifier}|fox",
        "embed|{foreign}|fox",
        "generate|{chatter}",
        "generate|{embedder}|fox",
        "generate|{chatter}|",
        "generate|{chatter}|fox|--top-p|0.5",
        "generate|{chatter}|fox|--temperature|-1",
        "generate|{chatter}|fox|--bias|256=1",
        "generate|{chatter}|fox|--max-tokens|0",
        "generate|{chatter}|fox|--system|x",
        "generate|{chatter}|fox|--logprobs|2",
        "generate|{chatter}|fox|--stop|",
        "generate|{chatter}|fox|--context|2",
        "generate|{chatter}|fox|--context|0",
        "generate|{chatter}|fox|--context|100000",
        "chat|{embedder}",
        "chat|{chatter}|--top-k|-1|--temperature|1",
        "classify|{embedder}|fox",
        "classify|{classifier}|fox|--template|About {}.",
        "classify|{classifier}|fox|--multi-label",
        "classify|{classifier}|fox|--labels|animal",
        "classify|{classifier}|fox|--labels|animal|--template|no place",
        "tag|{embedder}|fox",
        "tag|{tagger}|fox|--aggregation|nosuch",
        "rerank|{embedder}|fox",
        "rerank|{embedder}|--query|fox|fox|--top|-1",
        "rerank|{embedder}|--query|fox|fox|--top|0",
        "rerank|{classifier}|--query|fox|fox",
        "eval|{embedder}|--task|nosuch|--data|{pairs}",
        "eval|{embedder}|--task|{texts}|--data|{pairs}",
        "eval|{embedder}|--task|{broken}|--data|{pairs}",
        "eval|{embedder}|--task|scored-pairs|--data|{missing}",
        "eval|{embedder}|--task|scored-pairs|--data|{texts}",
        "eval|{embedder}|--task|labelled|--data|{labelled}",
        "eval|{classifier}|--task|scored-pairs|--data|{pairs}",
        "eval|{classifier}|--task|sst2|--data|{pairs}",
        "eval|{embedder}|--task|scored-pairs|--data|{pairs}|--window|8",
        "eval|{embedder}|--task|scored-pairs|--data|{pairs}|--cache|int8",
        "eval|{embedder}|--task|perplexity|--data|{texts}|--window|8",
        "eval|{decoder}|--task|perplexity|--data|{texts}|--window|8|--cache|int4",
        "eval|{decoder}|--task|perplexity|--data|{missing}|--window|8",
        "eval|{decoder}|--task|perplexity|--data|{texts}|--window|512",
        "eval|{decoder}|--task|perplexity|--data|{texts}|--window|3",
        "eval|{decoder}|--task|perplexity|--data|{texts}|--window|8|--stride|9",
        "eval|{decoder}|--task|perplexity|--data|{texts}|--window|8|--windows|0",
        "eval|{decoder}|--task|perplexity|--data|{texts}|--window|8|--max-tokens|8",
        "compare|{decoder}|{embedder}|--data|{texts}|--window|8",
        "compare|{decoder}|{decoder}|--data|{empty}|--window|8",
        "bench|{embedder}|--data|{missing}",
        "bench|{embedder}|--batch|2",
        "bench|{decoder}|--data|{texts}",
        "bench|{decoder}|--max-tokens|8",
        "bench|{decoder}|--prompt|129|--generate|4",
        "bench|{decoder}|--prompt|0|--generate|0",
        "bench|{decoder}|--batch|1,0|--prompt|8|--generate|8",
        "bench|{embedder}|--data|{empty}",
        "bench|{embedder}|--seconds|0",
        "bench|{embedder}|--profile|--batch|2",
        "bench|{decoder}|--profile|--data|{texts}",
        "inspect|{embedder}|--threads|1",
        "inspect|{embedder}|--kernels|scalar",
        "inspect|{embedder}|--tolerance|0.1",
        "inspect|{embedder}|--length|65",
        "inspect|{embedder}|--max-tokens|12",
        "inspect|{embedder}|--golden|{golden}|--batch|2",
        "inspect|{embedder}|--golden|{golden}|--length|2",
        "inspect|{embedder}|--golden|{golden}|--weights",
        "inspect|{embedder}|--golden|{golden}|--memory",
        "inspect|{embedder}|--golden|{missing}",
        "inspect|{embedder}|--golden|{texts}",
        "inspect|{embedder}|--golden|{ids-alone}",
        "optimize|{embedder}|-o|{foreign}",
        "optimize|{embedder}|--trials|0",
        "optimize|{embedder}|--time|0",
        "optimize|{embedder}|--window|16",
        "optimize|{decoder}",
        "optimize|{decoder}|--data|{texts}|--task|sst2",
        "optimize|{decoder}|--data|{missing}",
        "optimize|{decoder}|--data|{texts}|--window|4|--windows|0",
        "optimize|{decoder}|--data|{texts}|--max-tokens|16",
        "quantize|{embedder}|--out|{foreign}|--method|rtn",
        "quantize|{embedder}|--out|new-folder",
        "quantize|{embedder}|--out|new-folder|--calibration|{missing}",
        "quantize|{embedder}|--out|new-folder|--calibration|{empty}",
        "quantize|{embedder}|--out|new-folder|--method|best",
        "quantize|{embedder}|--out|new-folder|--method|rtn|--damping|0.1",
        "quantize|{embedder}|--out|new-folder|--method|rtn|--bits|5",
        "quantize|{embedder}|--out|new-folder|--method|rtn|--type|q4_0|--group|32",
        "quantize|{embedder}|--out|new-folder|--method|rtn|--activations|static",
        "quantize|{embedder}|--out|new-folder|--method|rtn|--activations|static|--bits|8",
        "quantize|{embedder}|--out|new-folder|--method|rtn|--observer|kl",
        "quantize|{embedder}|--out|new.gguf|--method|rtn",
        "quantize|{decoder}|--out|new-folder|--method|rtn",
        "quantize|{decoder}|--out|new.gguf|--method|rtn|--group|64",
        "quantize|{decoder}|--out|{decoder}|--method|rtn",
        "quantize|{decoder}|--out|new.gguf|--method|rtn|--bits|8|--activations|dynamic",
        "quantize|{decoder}|--out|new.gguf|--size|little|--calibration|{texts}",
        "quantize|{decoder}|--out|new.gguf|--size|1kB|--calibration|{texts}",
        "quantize|{decoder}|--out|new.gguf|--size|1MB|--type|q4_0|--calibration|{texts}",
        "quantize|{decoder}|--out|new-folder|--size|1MB|--calibration|{texts}",
        "quantize|{embedder}|--out|new-folder|--method|rtn|--task|sst2",
        "quantize|{embedder}|--out|new-folder|--method|rtn|--eval|{missing}",
        "trim|{embedder}|--out|new-folder",
        "trim|{embedder}|--texts|{missing}|--out|new-folder",
        "trim|{embedder}|--texts|{texts}|--held-out|{missing}|--out|new-folder",
        "trim|{embedder}|--texts|{texts}|--out|{foreign}",
        "trim|{decoder}|--texts|{texts}|--out|new-folder",
        "prune|{embedder}|--out|new-folder",
        "prune|{embedder}|--out|new-folder|--unstructured|50%|--pattern|2:4",
        "prune|{embedder}|--out|new-folder|--unstructured|half",
        "prune|{embedder}|--out|new-folder|--unstructured|150%",
        "prune|{embedder}|--out|new-folder|--pattern|50%",
        "prune|{embedder}|--out|new-folder|--pattern|2:7",
        "prune|{embedder}|--out|new-folder|--pattern|2:4|--scope|row",
        "prune|{embedder}|--out|new-folder|--unstructured|50%|--by|wanda",
        "prune|{embedder}|--out|new-folder|--unstructured|50%|--by|luck",
        "prune|{embedder}|--out|new-folder|--unstructured|50%|--damping|0.1",
        "prune|{embedder}|--out|new-folder|--unstructured|50%|--by|sparsegpt|--scope|global",
        "prune|{embedder}|--out|new-folder|--heads|25%",
        "prune|{embedder}|--out|new-folder|--heads|25%|--pattern|2:4",
        "prune|{embedder}|--out|new-folder|--heads|25%|--structured|30%",
        "prune|{embedder}|--out|new-folder|--heads|25%|--by|wanda",
        "prune|{embedder}|--out|new-folder|--structured|3",
        "prune|{embedder}|--out|new-folder|--ffn|25%|--scope|global",
        "prune|{embedder}|--out|new-folder|--pattern|2:4|--reconstruct|false",
        "prune|{embedder}|--out|new-folder|--layers|1",
        "prune|{embedder}|--out|new-folder|--layers|2|--calibration|{texts}",
        "prune|{embedder}|--out|new-folder|--layers|1|--by|norm",
        "prune|{embedder}|--out|new-folder|--layers|1|--by|answers|--scope|row",
        "compress|{embedder}|--out|new-folder|--recipe|{missing}",
        "compress|{embedder}|--out|new-folder|--recipe|{broken}",
        "pull|no-such-model");
  }

  @ParameterizedTest
  @MethodSource("wrongInput")
  void wrongInputGetsOneSentenceAndCodeTwo(String line) {
    Answer answer = hone(line);
    assertThat(answer.err()).startsWith("hone: ").hasLineCount(1).doesNotContain("Exception");
    assertThat(answer.code()).isEqualTo(2);
    assertThat(answer.out()).isEmpty();
  }

  @Test
  void quantize() throws IOException {
    Path target = folder.resolve("quantized");
    String line = "quantize|{embedder}|--group|16|--calibration|{texts}|--out|" + target;
    JsonNode done = json(line);
    assertThat(keys(done))
        .containsExactly(
            "model", "target", "calibrationTokens", "bytesBefore", "bytesAfter", "layers");
    assertThat(done.get("layers")).hasSize(15);
    assertThat(done.get("layers").get(0).get("to").asText()).isEqualTo("int4-g16-asym");
    assertThat(done.get("layers").get(14).get("to").asText()).isEqualTo("int8-channel");
    assertThat(done.get("bytesAfter").asLong()).isLessThan(done.get("bytesBefore").asLong() / 3);
    assertThat(hone("embed|" + target + "|a king").out()).hasLineCount(1);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.filter(f -> f.getFileName().toString().startsWith("."))).isEmpty();
    }
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
    assertThat(done.err()).contains("21 matrices (").contains("they become q5_0 instead of q4_k");
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

  @Test
  void embed() {
    JsonNode texts = json("embed|{embedder}|--file|{texts}|--prompt|query|--threads|1");
    assertThat(texts).hasSize(3);
    assertThat(keys(texts.get(2))).containsExactly("text", "vector");
    assertThat(texts.get(2).get("text").asText()).isEqualTo("fox");
    assertThat(texts.get(2).get("vector")).hasSize(64);
    assertThat(hone("embed|{embedder}|a|b").out()).hasLineCount(2);
  }

  @Test
  void embedInFewerBytes() {
    JsonNode whole = json("embed|{embedder}|a king").get(0).get("vector");
    JsonNode text = json("embed|{embedder}|a king|--vectors|int8|--dimensions|16").get(0);
    assertThat(keys(text)).containsExactly("text", "vector", "scale");
    assertThat(text.get("vector")).hasSize(16);
    double step = text.get("scale").asDouble();
    double ratio = whole.get(0).asDouble() / (step * text.get("vector").get(0).asInt());
    double length = 0;
    for (int i = 0; i < 16; i++) {
      double number = step * text.get("vector").get(i).asInt();
      assertThat(whole.get(i).asDouble() / ratio).isCloseTo(number, within(2 * step));
      length += number * number;
    }
    assertThat(length).isCloseTo(1, within(0.02));
    assertThat(hone("embed|{embedder}|a king|--vectors|int8|--dimensions|4").out())
        .matches("(-?\\d{1,3} ){3}-?\\d{1,3}\\R");
  }

  @Test
  void generate() {
    JsonNode answered =
        json("generate|{chatter}|The king|fox|--answers|2|--temperature|1|--seed|7|--max-tokens|9");
    assertThat(answered).hasSize(2);
    assertThat(keys(answered.get(0))).containsExactly("prompt", "seed", "answers");
    assertThat(answered.get(0).get("seed").asLong()).isEqualTo(7);
    JsonNode answer = answered.get(1).get("answers").get(1);
    assertThat(keys(answer)).containsExactly("text", "stopReason", "tokens", "logprobs");
    assertThat(answer.get("tokens")).hasSize(9);
    assertThat(answer.get("stopReason").asText()).isEqualTo("length");
    assertThat(answer.get("logprobs").isNull()).isTrue();

    Answer plain = hone("generate|{chatter}|fox|--temperature|1|--seed|7|--max-tokens|9|--stats");
    assertThat(plain.out())
        .isEqualTo(answered.get(1).get("answers").get(0).get("text").asText() + "\n");
    assertThat(plain.err())
        .containsPattern("prompt: 3 tokens, .*; answer: 8 tokens, .*; first text after .* s")
        .doesNotContain("--max-tokens");
    assertThat(hone("generate|{chatter}|fox|fox|--max-tokens|3").out().lines())
        .filteredOn("---"::equals)
        .hasSize(2);
    assertThat(hone("generate|{chatter}|fox").err())
        .contains("ended where the model reads no more");

    JsonNode likely = json("generate|{chatter}|fox|--chat|--system|Be|--max-tokens|3").get(0);
    assertThat(likely.get("prompt").asText()).isEqualTo("fox");
    JsonNode choice =
        hone("generate|{chatter}|fox|--json|--logprobs|2|--max-tokens|3")
            .json()
            .get(0)
            .get("answers")
            .get(0)
            .get("logprobs")
            .get(0);
    assertThat(keys(choice)).containsExactly("token", "text", "logprob", "likeliest");
    assertThat(choice.get("likeliest")).hasSize(2);
    assertThat(choice.get("likeliest").get(0).get("token")).isEqualTo(choice.get("token"));
  }

  /** A conversation through a pipe: every answer is what generate says to the whole of it. */
  @Test
  void chat() throws IOException {
    Path saved = folder.resolve("saved.json");
    PATHS.put("saved", saved.toString());
    String lines =
        "/system Be brief\nfox\n/stats\ntwo \\\nlines\n/stats\n/save "
            + saved
            + "\n/nosuch\n/load nosuch\n/help\n/reset\nfox\n/exit\nnever\n";
    Answer talk = chat(lines, "--max-tokens|5|--json");
    assertThat(talk.code()).as(talk.err()).isZero();
    assertThat(talk.out()).hasLineCount(3);
    List<JsonNode> answers = new java.util.ArrayList<>();
    talk.out().lines().forEach(line -> answers.add(new Answer(0, line, "").json()));
    assertThat(answers.get(0).asText())
        .isEqualTo(generated("fox", "--system|Be brief|--max-tokens|5"));
    assertThat(answers.get(2).asText()).isEqualTo(generated("fox", "--max-tokens|5"));
    assertThat(talk.err())
        .contains("/nosuch is not known", "nosuch is no file", "/save FILE", "saved 5 messages")
        .containsPattern("of which the last prompt kept 0\\R")
        .containsPattern("of which the last prompt kept [1-9]");
    JsonNode messages = new Answer(0, Files.readString(saved), "").json();
    assertThat(messages.get(0).get("role").asText()).isEqualTo("system");
    assertThat(messages.get(3).get("content").asText()).isEqualTo("two \nlines");
    assertThat(messages.get(4).get("content").asText()).isEqualTo(answers.get(1).asText());

    Answer on = chat("/load " + saved + "\nfox\n", "--max-tokens|5");
    assertThat(on.err()).contains("loaded 5 messages");
    assertThat(on.out()).isNotBlank();
    assertThat(chat("x".repeat(200) + "\nfox\n", "--max-tokens|5").err())
        .contains("goes on with 1 to 128; /reset begins anew");
  }

  private static Answer chat(String lines, String options) {
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8)));
    try {
      return hone("chat|{chatter}|" + options);
    } finally {
      System.setIn(before);
    }
  }

  private static String generated(String prompt, String options) {
    JsonNode answered = hone("generate|{chatter}|" + prompt + "|--chat|--json|" + options).json();
    return answered.get(0).get("answers").get(0).get("text").asText();
  }

  @Test
  void classify() {
    JsonNode text = json("classify|{classifier}|A charming film.").get(0);
    assertThat(keys(text)).containsExactly("text", "labels");
    assertThat(text.get("labels")).hasSize(3);
    double sum = 0;
    for (JsonNode label : text.get("labels")) {
      assertThat(keys(label)).containsExactly("name", "score");
      sum += label.get("score").asDouble();
    }
    assertThat(sum).isCloseTo(1, within(1e-5));
  }

  @Test
  void tag() {
    String sentence = "The king sleeps and the fox jumps over a rose.";
    JsonNode text = json("tag|{tagger}|" + sentence).get(0);
    assertThat(keys(text)).containsExactly("text", "entities");
    assertThat(text.get("entities")).isNotEmpty();
    for (JsonNode entity : text.get("entities")) {
      assertThat(keys(entity)).containsExactly("label", "score", "word", "start", "end");
      assertThat(entity.get("end").asInt())
          .isGreaterThan(entity.get("start").asInt())
          .isLessThanOrEqualTo(sentence.length());
    }
  }

  @Test
  void rerank() {
    JsonNode ranking = json("rerank|{embedder}|--query|fox|the king|fox|a boat|--top|2");
    assertThat(ranking).hasSize(2);
    assertThat(keys(ranking.get(0))).containsExactly("index", "score", "text");
    assertThat(ranking.get(0).get("index").asInt()).isEqualTo(1);
    assertThat(ranking.get(0).get("score").asDouble()).isCloseTo(1, within(1e-5));
  }

  @Test
  void evalOfSimilarity() {
    JsonNode result = json("eval|{embedder}|--task|scored-pairs|--data|{pairs}");
    assertThat(keys(result))
        .containsExactly("model", "task", "examples", "spearman", "pearson", "intervals");
    assertThat(result.get("examples").asInt()).isEqualTo(3);
    assertThat(result.get("spearman").asDouble()).isBetween(-1.0, 1.0);
    assertThat(keys(result.get("intervals").get("spearman"))).contains("value", "low", "high");
  }

  @Test
  void evalOfClasses() {
    JsonNode result = json("eval|{classifier}|--task|labelled|--data|{labelled}");
    assertThat(keys(result))
        .containsExactly("model", "task", "examples", "accuracy", "macro-f1", "intervals");
    assertThat(result.get("accuracy").asDouble()).isBetween(0.0, 1.0);
  }

  @Test
  void evalOfPerplexity() {
    String line = "eval|{decoder}|--task|perplexity|--data|{texts}|--window|16|--threads|1";
    JsonNode result = json(line + "|--windows|2");
    assertThat(keys(result))
        .containsExactly(
            "model",
            "task",
            "window",
            "stride",
            "windows",
            "tokens",
            "perplexity",
            "perplexitySecondHalf",
            "intervals");
    assertThat(result.get("tokens").asInt()).isEqualTo(30);
    assertThat(result.get("perplexity").asDouble()).isBetween(150.0, 400.0);
    assertThat(json(line + "|--stride|4").get("tokens").asInt()).isEqualTo(46);
  }

  @Test
  void roundedKeysAndValues() {
    String perplexity = "eval|{decoder}|--task|perplexity|--data|{texts}|--window|16|--threads|1";
    double exact = json(perplexity).get("perplexity").asDouble();
    assertThat(json(perplexity + "|--cache|f32").get("perplexity").asDouble()).isEqualTo(exact);
    assertThat(json(perplexity + "|--cache|int8").get("perplexity").asDouble())
        .isNotEqualTo(exact)
        .isCloseTo(exact, withinPercentage(1));
    JsonNode compared =
        json("compare|{decoder}|{decoder}|--data|{texts}|--window|16|--threads|1|--cache|int8");
    assertThat(compared.get("all").get("divergence").asDouble()).isBetween(1e-12, 1e-3);
    String generate = "generate|{chatter}|a red fox|--logprobs|1|--max-tokens|1|--cache|";
    double own = firstLogprob(generate + "f32");
    assertThat(firstLogprob(generate + "int8")).isNotEqualTo(own).isCloseTo(own, within(0.05));
  }

  private static double firstLogprob(String line) {
    return hone(line + "|--json").json().get(0).at("/answers/0/logprobs/0/logprob").asDouble();
  }

  @Test
  void compare() {
    JsonNode result = json("compare|{decoder}|{decoder}|--data|{texts}|--window|16|--threads|1");
    assertThat(keys(result))
        .containsExactly("reference", "model", "window", "stride", "windows", "all", "secondHalf");
    assertThat(keys(result.get("all")))
        .containsExactly(
            "tokens",
            "divergence",
            "divergenceMedian",
            "divergence99",
            "divergenceMost",
            "sameTop",
            "shift",
            "referencePerplexity",
            "perplexity",
            "intervals");
    assertThat(result.get("all").get("divergence").asDouble()).isZero();
    assertThat(result.get("all").get("sameTop").asDouble()).isEqualTo(1);
    assertThat(result.get("secondHalf").get("tokens").asInt()).isEqualTo(14);
  }

  @Test
  void bench() {
    JsonNode measured = json("bench|{embedder}|--data|{texts}|--seconds|1");
    assertThat(keys(measured))
        .contains("model", "machine", "shortMillis", "longMillis", "noise", "fileBytes");
    assertThat(measured.get("batchTexts").asInt()).isEqualTo(3);
    assertThat(measured.get("textsPerSecond").asDouble()).isPositive();
    assertThat(measured.get("tokensPerSecond").asDouble()).isPositive();
    assertThat(measured.get("memoryBytes").asLong())
        .isGreaterThan(measured.get("fileBytes").asLong() / 2);
  }

  @Test
  void benchOfADecoder() {
    String line = "bench|{decoder}|--seconds|1|-p|20|-n|3|--batch|1,4|--cache|int8";
    JsonNode measured = json(line);
    assertThat(keys(measured))
        .containsExactly(
            "model", "machine", "fileBytes", "memoryBytes", "cache", "activations", "tests");
    assertThat(measured.get("cache").asText()).isEqualTo("int8");
    assertThat(measured.get("tests")).hasSize(3);
    assertThat(keys(measured.get("tests").get(0)))
        .containsExactly(
            "test",
            "sequences",
            "tokens",
            "tokensPerSecond",
            "noise",
            "millis",
            "rounds",
            "cacheBytes");
    assertThat(measured.get("tests").get(0).get("test").asText()).isEqualTo("pp20");
    assertThat(measured.get("tests").get(2).get("test").asText()).isEqualTo("tg3");
    assertThat(measured.get("tests").get(2).get("sequences").asInt()).isEqualTo(4);
    for (JsonNode test : measured.get("tests")) {
      assertThat(test.get("tokensPerSecond").asDouble()).isPositive();
      assertThat(test.get("rounds").asInt()).isGreaterThanOrEqualTo(5);
    }
    assertThat(json("bench|{decoder}|--seconds|1|-p|0|-n|3").get("tests")).hasSize(1);
  }

  @Test
  void benchSaysWhereTimeGoes() {
    JsonNode encoder = json("bench|{embedder}|--data|{texts}|--seconds|1|--profile");
    assertThat(keys(encoder))
        .containsExactly("model", "machine", "limits", "profiles", "sparseProducts");
    assertThat(encoder.get("profiles")).hasSize(3);
    assertThat(encoder.at("/profiles/2/work").asText()).isEqualTo("3 texts");
    assertThat(keys(encoder.at("/profiles/0/lines/0")))
        .containsExactly(
            "operation",
            "weights",
            "calls",
            "millis",
            "share",
            "bytes",
            "operations",
            "bound",
            "ofLimit");
    JsonNode decoder = json("bench|{decoder}|--seconds|1|-p|20|-n|3|--batch|1,4|--profile");
    assertThat(decoder.get("profiles").findValuesAsText("work"))
        .containsExactly("pp20", "tg3", "tg3 of 4 sequences");
    assertThat(decoder.get("limits")).isEqualTo(encoder.get("limits"));
    assertThat(hone("bench|{decoder}|--seconds|1|-n|3|-p|0|--profile").out())
        .contains("tg3, 3 tokens", "feed-forward-down", "of limit", "limits: read ");
  }

  @Test
  void inspect() {
    JsonNode described = json("inspect|{embedder}|--batch|2|--length|64|--weights");
    assertThat(keys(described))
        .containsExactly(
            "model",
            "blocks",
            "hidden",
            "maxTokens",
            "fileBytes",
            "bytesByType",
            "unused",
            "cost",
            "weights");
    assertThat(described.get("blocks").asInt()).isEqualTo(2);
    assertThat(described.get("maxTokens").asInt()).isEqualTo(64);
    assertThat(keys(described.get("weights").get(0)))
        .containsExactly("name", "type", "shape", "bytes");
  }

  /** Three tokens and no weights: what such a file says is printed, and why it does not run. */
  @Test
  void inspectMemory() {
    JsonNode memory = json("inspect|{decoder}|--memory|--kernels|vector").get("memory");
    assertThat(keys(memory))
        .containsExactly(
            "kernels",
            "fileBytes",
            "convertedBytes",
            "packedBytes",
            "residentBytes",
            "sparseProducts");
    assertThat(memory.get("kernels").asText()).isEqualTo("vector");
    assertThat(memory.get("packedBytes").asLong()).isPositive();
  }

  @Test
  void inspectAGgufFile() throws IOException {
    Path file = folder.resolve("vocabulary.gguf");
    Map<String, MetadataValue> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", GgufWriter.text("llama"));
    metadata.put("tokenizer.ggml.model", GgufWriter.text("gpt2"));
    metadata.put("tokenizer.ggml.pre", GgufWriter.text("gpt-2"));
    metadata.put("tokenizer.ggml.tokens", GgufWriter.texts(List.of("a", "b", "ab")));
    metadata.put("tokenizer.ggml.merges", GgufWriter.texts(List.of("a b")));
    GgufWriter.write(file, metadata, Map.of());
    PATHS.put("gguf", file.toString());
    Answer answer = hone("inspect|{gguf}");
    assertThat(answer.code()).isZero();
    assertThat(answer.out())
        .contains("GGUF, 0 tensors")
        .containsPattern("tokenizer.ggml.tokens +ARRAY +STRING\\[3]");
    assertThat(answer.err()).contains("Hone cannot run it: ").contains("a vocabulary only");
    JsonNode json = json("inspect|{gguf}");
    assertThat(json.path("gguf").path("metadata").path("general.architecture").asText())
        .isEqualTo("llama");
    assertThat(json.path("cannotRun").asText()).contains("a vocabulary only");

    Path texts = folder.resolve("vocabulary.gguf.inp");
    Files.writeString(texts, "ab\n__ggml_vocab_test__\nba\n__ggml_vocab_test__\n");
    Files.writeString(folder.resolve("vocabulary.gguf.out"), " 2\n 1 0\n");
    PATHS.put("texts-and-ids", texts.toString());
    assertThat(hone("inspect|{gguf}|--golden|{texts-and-ids}").out())
        .isEqualToIgnoringNewLines("2 of 2 texts agree");
    Files.writeString(folder.resolve("vocabulary.gguf.out"), " 0 1\n 1 0\n");
    Answer differs = hone("inspect|{gguf}|--golden|{texts-and-ids}");
    assertThat(differs.code()).isEqualTo(1);
    assertThat(differs.out()).contains("case 0: \"ab\"").contains("1 of 2 texts agree");
  }

  @Test
  void inspectAChatTemplate() throws IOException {
    Path chat = Files.createDirectory(folder.resolve("chat"));
    Files.writeString(
        chat.resolve("conversations.json"),
        "{\"conversations\": {\"one\": [{\"role\": \"user\", \"content\": \"Hi\"}]}, \"tools\": [],"
            + " \"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"now\":"
            + " \"2026-11-22T10:00:00\"}");
    String template =
        "{\"template\": \"{% if not add_generation_prompt %}{{ raise_exception('no') }}{% endif"
            + " %}{{ bos_token }}{{ messages[0].content | lower }}\", \"cases\":"
            + " [{\"conversation\": \"one\", \"add_generation_prompt\": true, \"tools\": false,"
            + " \"expected\": \"%s\"},{\"conversation\": \"one\", \"add_generation_prompt\": false,"
            + " \"tools\": false, \"error\": \"no\"}]}";
    PATHS.put(
        "chat",
        Files.writeString(chat.resolve("a.json"), template.replace("%s", "<s>hi")).toString());
    JsonNode agrees = json("inspect|--golden|{chat}");
    assertThat(keys(agrees)).containsExactly("agrees", "cases", "different");
    assertThat(agrees.get("agrees").asBoolean()).isTrue();
    assertThat(hone("inspect|--golden|{chat}").out()).contains("2 of 2 cases agree");
    Files.writeString(chat.resolve("a.json"), template.replace("%s", "<s>ho"));
    Answer differs = hone("inspect|--golden|{chat}");
    assertThat(differs.code()).isEqualTo(1);
    assertThat(differs.out()).contains("case 0, one", "wanted <s>ho", "1 of 2 cases agree");
    assertThat(hone("inspect|{embedder}|--golden|{chat}").err()).contains("has no chat template");
    assertThat(hone("inspect").err()).contains("give a MODEL");
  }

  @Test
  void inspectWithAGolden() {
    JsonNode compared = json("inspect|{embedder}|--golden|{golden}");
    assertThat(keys(compared))
        .containsExactly("agrees", "greedyAgrees", "tolerance", "differences", "greedy");
    assertThat(compared.get("agrees").asBoolean()).isTrue();
    assertThat(compared.get("greedyAgrees").isNull()).isTrue();
    assertThat(compared.get("differences")).hasSize(1);
    assertThat(compared.get("differences").get(0).get("what").asText()).isEqualTo("hidden");
  }

  @Test
  void inspectWithAGoldenThatDiffersIsCodeOne() {
    Answer answer = hone("inspect|{embedder}|--golden|{shifted}|--json");
    assertThat(answer.code()).isEqualTo(1);
    assertThat(answer.err()).isEmpty();
    assertThat(answer.json().get("agrees").asBoolean()).isFalse();
    assertThat(answer.json().get("differences").get(0).get("largest").asDouble())
        .isCloseTo(0.1, within(1e-4));
    assertThat(hone("inspect|{embedder}|--golden|{shifted}|--tolerance|0.5").code()).isZero();
  }

  @Test
  void pull() {
    JsonNode pulled = json("pull|{embedder}");
    assertThat(keys(pulled)).containsExactlyInAnyOrder("model", "folder");
    assertThat(pulled.get("folder").asText()).isEqualTo(PATHS.get("embedder"));
  }

  @Test
  void notesGoToStandardError() {
    Answer cut = hone("embed|{embedder}|fox|--max-tokens|3|the king and the fox|--json");
    assertThat(cut.err()).contains("text 1 was cut").contains("the model reads 3");
    assertThat(cut.json()).hasSize(2);
  }

  @Test
  void whatIsFetchedIsToldOnceAFile() {
    var err = new java.io.StringWriter();
    var terminal = new Terminal(new java.io.PrintWriter(err), new java.io.PrintWriter(err));
    var fetching = new Fetching(terminal, false);
    fetching.update("model.safetensors", 262_144, 90_900_000);
    fetching.update("model.safetensors", 524_288, 90_900_000);
    fetching.update("config.json", 612, -1);
    assertThat(err.toString().lines())
        .containsExactly("fetching model.safetensors (90.9 MB)", "fetching config.json");
  }
}
