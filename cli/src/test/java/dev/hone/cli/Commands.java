package dev.hone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.Batch;
import dev.hone.model.folder.Model;
import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.runtime.Engine;
import dev.hone.tensor.DType;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tiny models and files that commands are run on in this process: results go to standard output,
 * notes to standard error.
 */
abstract class Commands {
  private static final int[] IDS = {2, 17, 99, 300, 3};

  @TempDir static Path folder;
  static final Map<String, String> PATHS = new LinkedHashMap<>();

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
    write("blank", "\n  \n\t\n");
    write("late", "name: late\npasses: [{encode: int8-channel}, {input: static-int8}]\n");
    write("mixed", "name: mixed\npasses: [{mix: 5.5, method: gptq}]\n");
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

  static void write(String name, String text) throws IOException {
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

  static Answer hone(String line) {
    return Answer.of(Stream.of(line.split("\\|")).map(Commands::argument).toArray(String[]::new));
  }

  private static String argument(String word) {
    boolean named = word.startsWith("{") && word.endsWith("}");
    return named ? PATHS.get(word.substring(1, word.length() - 1)) : word;
  }

  /** The answer to a line that is right, without and then with {@code --json}. */
  static JsonNode json(String line) {
    Answer plain = hone(line);
    assertThat(plain.code()).as(plain.err()).isZero();
    assertThat(plain.out()).isNotBlank().doesNotStartWith("[{").doesNotStartWith("{");
    Answer json = hone(line + "|--json");
    assertThat(json.code()).as(json.err()).isZero();
    return json.json();
  }

  static List<String> keys(JsonNode object) {
    return object.propertyStream().map(Map.Entry::getKey).toList();
  }
}
