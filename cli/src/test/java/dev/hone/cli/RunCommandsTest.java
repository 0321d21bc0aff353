package dev.hone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Commands that fetch a model and run it. */
class RunCommandsTest extends Commands {
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
