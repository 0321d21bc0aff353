package dev.hone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;

/** Commands that tell how good and how fast a model is. */
class MeasureCommandsTest extends Commands {
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
}
