package dev.hone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds of every command: help with an example, and wrong input in one sentence. */
class HoneTest {
  private record Answer(int code, String out, String err) {}

  private static Answer hone(String... args) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code = Hone.run(new PrintWriter(out), new PrintWriter(err), args);
    return new Answer(code, out.toString(), err.toString());
  }

  static List<String> commands() {
    return Hone.commandNames();
  }

  @Test
  void helpNamesEveryCommand() {
    assertThat(commands()).contains("embed", "doctor");
    assertThat(hone("--help").out()).contains(commands());
    assertThat(hone("--help").code()).isZero();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void helpOfACommandHasAnExampleAndJson(String command) {
    Answer answer = hone(command, "--help");
    assertThat(answer.code()).isZero();
    assertThat(answer.out())
        .containsPattern("Examples?:\\R  hone " + command + " ")
        .contains("--json");
    assertThat(answer.err()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void anUnknownOptionIsOneSentenceAndCodeTwo(String command) {
    Answer answer = hone(command, "--no-such-option");
    assertThat(answer.code()).isEqualTo(2);
    assertThat(answer.err())
        .startsWith("hone: ")
        .contains("see hone " + command + " --help")
        .hasLineCount(1);
    assertThat(answer.out()).isEmpty();
  }

  @Test
  void anUnknownCommandIsOneSentenceAndCodeTwo() {
    Answer answer = hone("no-such-command");
    assertThat(answer.code()).isEqualTo(2);
    assertThat(answer.err()).contains("no-such-command").hasLineCount(1);
  }

  @Test
  void doctorSaysWhichKernelsRunAndWhy() throws JsonProcessingException {
    Answer answer = hone("doctor", "--json");
    assertThat(answer.code()).isZero();
    JsonNode found = new JsonMapper().readTree(answer.out());
    assertThat(found.path("kernels").asText()).isEqualTo("vector");
    assertThat(found.path("reason").asText()).contains("bits");
    assertThat(found.path("machine").path("cores").asInt())
        .isEqualTo(Runtime.getRuntime().availableProcessors());
    assertThat(hone("doctor").out()).contains("kernels    vector: ", "missing ");
  }
}
