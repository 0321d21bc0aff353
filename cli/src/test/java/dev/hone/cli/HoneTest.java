package dev.hone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.tensor.kernel.KernelTier;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds of every command: help with an example, and wrong input in one sentence. */
class HoneTest {
  static List<String> commands() {
    return Hone.commandNames();
  }

  @Test
  void helpNamesEveryCommand() {
    assertThat(commands()).contains("embed", "doctor");
    assertThat(Answer.of("--help").out()).contains(commands());
    assertThat(Answer.of("--help").code()).isZero();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void helpOfACommandHasAnExampleAndJson(String command) {
    Answer answer = Answer.of(command, "--help");
    assertThat(answer.code()).isZero();
    assertThat(answer.out())
        .containsPattern("Examples?:\\R  hone " + command + " ")
        .contains("--json");
    assertThat(answer.err()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void anUnknownOptionIsOneSentenceAndCodeTwo(String command) {
    Answer answer = Answer.of(command, "--no-such-option");
    assertThat(answer.code()).isEqualTo(2);
    assertThat(answer.err())
        .startsWith("hone: ")
        .contains("see hone " + command + " --help")
        .hasLineCount(1);
    assertThat(answer.out()).isEmpty();
  }

  @Test
  void anUnknownCommandIsOneSentenceAndCodeTwo() {
    Answer answer = Answer.of("no-such-command");
    assertThat(answer.code()).isEqualTo(2);
    assertThat(answer.err()).contains("no-such-command").hasLineCount(1);
  }

  @Test
  void doctorSaysWhichKernelsRunAndWhy() {
    Answer answer = Answer.of("doctor", "--json");
    assertThat(answer.code()).isZero();
    JsonNode found = answer.json();
    String fastest = KernelTier.select(Optional.empty()).tier().label();
    assertThat(found.path("kernels").asText()).isEqualTo(fastest).isNotEqualTo("scalar");
    assertThat(found.path("reason").asText()).contains("bits");
    assertThat(found.path("machine").path("cores").asInt())
        .isEqualTo(Runtime.getRuntime().availableProcessors());
    assertThat(Answer.of("doctor").out()).contains("kernels    " + fastest + ": ", "missing ");
  }

  @Test
  void doctorMeasuresAndRemembersLimits() {
    Answer answer = Answer.of("doctor", "--measure", "--json");
    assertThat(answer.code()).as(answer.err()).isZero();
    JsonNode limits = answer.json().path("limits");
    assertThat(limits.get(0).path("threads").asInt()).isEqualTo(1);
    int all = Runtime.getRuntime().availableProcessors();
    assertThat(limits.get(limits.size() - 1).path("threads").asInt()).isEqualTo(all);
    assertThat(limits).hasSize(all == 1 ? 1 : 2);
    assertThat(limits.get(0).path("readBytesPerSecond").asDouble()).isGreaterThan(1e8);
    assertThat(Answer.of("doctor", "--json").json().path("limits")).isEqualTo(limits);
    assertThat(Answer.of("doctor").out()).contains("limits     read ", " on 1 thread");
  }
}
