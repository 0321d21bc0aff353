package dev.hone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Wrong input gets one sentence and exit code 2. */
class WrongInputTest extends Commands {
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
        "quantize|{embedder}|--out|new-folder|--method|rtn|--bits|9",
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
        "compress|{embedder}|--out|{texts}/x|--recipe|{late}",
        "bench|{embedder}|--data|{blank}",
        "bench|{embedder}|--data|{foreign}",
        "eval|{decoder}|--task|perplexity|--data|{foreign}|--window|8",
        "trim|{embedder}|--texts|{texts}|--out|{texts}/x",
        "export|{embedder}|--out|{texts}/x",
        "prune|{embedder}|--out|{texts}/x|--unstructured|50%",
        "prune|{embedder}|--out|/proc/x|--unstructured|50%",
        "quantize|{decoder}|--out|{texts}/x.gguf|--method|rtn",
        "optimize|{embedder}|--out|{texts}/x",
        "optimize|{embedder}|--report|{texts}/x",
        "pull|no-such-model");
  }

  /** What a sentence must say. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "quantize|{embedder}|--out|new|--calibration|{blank};--calibration={blank} holds no text",
        "quantize|{embedder}|--out|new|--method|rtn|--eval|{blank};--eval={blank} holds no text",
        "compare|{decoder}|{decoder}|--data|{blank}|--window|8;--data={blank} holds no text",
        "optimize|{embedder}|--data|{blank};--data={blank} holds no text",
        "optimize|{decoder}|--data|{blank};--data={blank} holds no text",
        "quantize|{embedder}|--out|new|--method|best;gptq-range, gptq, awq",
        "eval|{embedder}|--task|nosuch|--data|{pairs};of a decoder, perplexity",
        "prune|{embedder}|--out|new|--unstructured|50%|--heads|25%;--unstructured and --heads"
            + " cannot be combined",
        "prune|{embedder}|--out|new|--heads|8|--by|norm|--reconstruct|false;--heads=8: 8 of ",
        "prune|{embedder}|--out|new|--layers|2|--calibration|{texts};--layers=2: 2 of 2",
        "prune|{embedder}|--out|new|--pattern|2:4|--eval|{pairs}|--task|nosuch;no task named"
            + " nosuch",
        "prune|{decoder}|--out|new.gguf|--pattern|2:4|--eval|{pairs}|--task|sst2;--task is an"
            + " encoder's",
        "quantize|{embedder}|--out|new|--type|q4_0|--calibration|{texts};passes[0] encode: encoder."
            + "layer.0.attention.self.query.weight is q4_0",
        "quantize|{embedder}|--out|new|--type|q8_0|--calibration|{texts};is q8_0",
        "quantize|{embedder}|--out|new|--type|q4_k|--calibration|{texts};is q5_0",
        "quantize|{embedder}|--out|new|--type|int8-tensor|--calibration|{texts};use rtn",
        "compress|{embedder}|--recipe|{late}|--calibration|{texts}|--out|new;passes[1] input:",
        "compress|{chatter}|--recipe|{mixed}|--calibration|{texts}|--window|8|--out|new;passes[0]"
            + " mix:",
        "optimize|{embedder}|--recipe|{late}|--out|new;recipe late: passes[1] input:",
        "prune|{embedder}|--out|{texts}/x|--unstructured|50%;{texts} is a file",
      })
  void saysWhatIsWrongAndLeavesNothing(String line, String said) throws IOException {
    String out = folder.resolve("new").toString();
    String told = said;
    for (var path : PATHS.entrySet()) {
      told = told.replace("{" + path.getKey() + "}", path.getValue());
    }
    List<String> before = names();
    Answer answer =
        hone(line.replace("|new", "|" + out).replace("{texts}/", PATHS.get("texts") + "/"));
    assertThat(answer.err()).startsWith("hone: ").contains(told).hasLineCount(1);
    assertThat(answer.code()).isEqualTo(2);
    assertThat(names()).isEqualTo(before);
  }

  private static List<String> names() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.map(Path::toString).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("wrongInput")
  void wrongInputGetsOneSentenceAndCodeTwo(String line) {
    Answer answer = hone(line.replace("{texts}/", PATHS.get("texts") + "/"));
    assertThat(answer.err()).startsWith("hone: ").hasLineCount(1).doesNotContain("Exception");
    assertThat(answer.code()).isEqualTo(2);
    assertThat(answer.out()).isEmpty();
  }
}
