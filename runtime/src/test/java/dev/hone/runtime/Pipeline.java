package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

/**
 * A model folder with what transformers and sentence-transformers answer to texts
 * (make_pipelines.py): each text run alone. Here they are run alone and all together.
 *
 * @param textsFile the file of texts and pairs
 */
record Pipeline(Path folder, Path textsFile) {
  private static final float TOLERANCE = 1e-4f;

  /** Fails where the encoder answers anything else than the reference. */
  void check(EncoderOptions options) throws IOException {
    String name = folder.getFileName().toString();
    try (Encoder encoder =
        Encoder.load(folder, name.equals("rerank") ? options.maxTokens(48) : options)) {
      JsonNode answers = json(folder.resolve("expected.json")).get("answers");
      switch (name.split("-")[0]) {
        case "embed" -> checkVectors(encoder, answers);
        case "classify" -> checkLabels(answers, texts(), encoder::classify);
        case "rerank" -> checkScores(encoder, answers);
        case "tokens" -> checkEntities(encoder, answers);
        case "zero" -> checkZeroShot(encoder, answers);
        default -> throw new AssertionError("no such pipeline: " + name);
      }
    }
  }

  List<String> texts() throws IOException {
    return strings(json(textsFile).get("texts"));
  }

  private void checkVectors(Encoder encoder, JsonNode answers) throws IOException {
    if (answers.isArray()) {
      checkVectors(encoder, answers, Optional.empty());
    } else {
      assertThat(answers.size()).isPositive();
      for (var prompt : answers.properties()) {
        checkVectors(encoder, prompt.getValue(), Optional.of(prompt.getKey()));
      }
    }
  }

  private void checkVectors(Encoder encoder, JsonNode answers, Optional<String> prompt)
      throws IOException {
    List<String> texts = texts();
    assertThat(answers.size()).isEqualTo(texts.size());
    List<float[]> together = encoder.embed(texts, prompt);
    for (int i = 0; i < texts.size(); i++) {
      float[] alone = encoder.embed(texts.subList(i, i + 1), prompt).getFirst();
      for (float[] vector : List.of(alone, together.get(i))) {
        float[] expected = floats(answers.get(i));
        assertThat(vector).as("text %d", i).hasSize(expected.length);
        assertThat(vector).as("text %d", i).containsExactly(expected, within(TOLERANCE));
      }
    }
  }

  private interface Classifier {
    List<List<Label>> classify(List<String> texts);
  }

  private static void checkLabels(JsonNode answers, List<String> texts, Classifier classifier) {
    assertThat(answers.size()).isEqualTo(texts.size());
    List<List<Label>> together = classifier.classify(texts);
    for (int i = 0; i < texts.size(); i++) {
      List<Label> alone = classifier.classify(texts.subList(i, i + 1)).getFirst();
      for (List<Label> labels : List.of(alone, together.get(i))) {
        JsonNode expected = answers.get(i);
        assertThat(labels).as("text %d", i).extracting(Label::name).isEqualTo(names(expected));
        assertThat(floats(labels.stream().map(Label::score).toList()))
            .as("text %d", i)
            .containsExactly(scores(expected), within(TOLERANCE));
      }
    }
  }

  /** Text classification lists objects, zero-shot classification two lists. */
  private static List<String> names(JsonNode answer) {
    return answer.isArray() ? answer.findValuesAsText("label") : strings(answer.get("labels"));
  }

  private static float[] scores(JsonNode answer) {
    return answer.isArray()
        ? floats(answer.findValues("score").stream().map(JsonNode::floatValue).toList())
        : floats(answer.get("scores"));
  }

  private void checkZeroShot(Encoder encoder, JsonNode answers) throws IOException {
    List<String> asked = texts().subList(0, 5).stream().filter(text -> !text.isBlank()).toList();
    String[] labels = {"sport", "politics", "the weather"};
    checkLabels(
        answers.get("false"), asked, texts -> encoder.classify(texts, Candidates.oneOf(labels)));
    checkLabels(
        answers.get("true"), asked, texts -> encoder.classify(texts, Candidates.anyOf(labels)));
  }

  private void checkScores(Encoder encoder, JsonNode answers) throws IOException {
    List<TextPair> pairs = new ArrayList<>();
    for (JsonNode pair : json(textsFile).get("pairs")) {
      pairs.add(new TextPair(pair.get(0).textValue(), pair.get(1).textValue()));
    }
    assertThat(floats(encoder.score(pairs))).containsExactly(floats(answers), within(TOLERANCE));
    for (int i = 0; i < pairs.size(); i++) {
      float expected = answers.get(i).floatValue();
      TextPair pair = pairs.get(i);
      assertThat(encoder.rerank(pair.first(), List.of("", pair.second(), "")))
          .filteredOn(ranked -> ranked.index() == 1)
          .singleElement()
          .satisfies(ranked -> assertThat(ranked.score()).isCloseTo(expected, within(TOLERANCE)));
    }
  }

  private void checkEntities(Encoder encoder, JsonNode answers) throws IOException {
    List<String> texts = texts().stream().filter(text -> text.length() < 90).toList();
    for (Aggregation aggregation : Aggregation.values()) {
      JsonNode expected = answers.get(aggregation.name().toLowerCase(Locale.ROOT));
      assertThat(expected.size()).isEqualTo(texts.size());
      List<List<Entity>> together = encoder.tag(texts, aggregation);
      for (int i = 0; i < texts.size(); i++) {
        List<Entity> alone = encoder.tag(texts.subList(i, i + 1), aggregation).getFirst();
        checkEntities(expected.get(i), alone, aggregation + ", text " + i);
        checkEntities(expected.get(i), together.get(i), aggregation + ", packed text " + i);
      }
    }
  }

  private static void checkEntities(JsonNode expected, List<Entity> entities, String what) {
    assertThat(entities).as(what).hasSize(expected.size());
    for (int i = 0; i < entities.size(); i++) {
      JsonNode wanted = expected.get(i);
      Entity entity = entities.get(i);
      String kind = wanted.has("entity") ? "entity" : "entity_group";
      assertThat(entity.label()).as(what).isEqualTo(wanted.get(kind).textValue());
      assertThat(entity.word()).as(what).isEqualTo(wanted.get("word").textValue());
      assertThat(entity.start()).as(what).isEqualTo(wanted.get("start").intValue());
      assertThat(entity.end()).as(what).isEqualTo(wanted.get("end").intValue());
      assertThat(entity.index().orElse(-1)).as(what).isEqualTo(wanted.path("index").asInt(-1));
      assertThat(entity.score())
          .as(what)
          .isCloseTo(wanted.get("score").floatValue(), within(TOLERANCE));
    }
  }

  private static JsonNode json(Path file) throws IOException {
    return new ObjectMapper().readTree(file.toFile());
  }

  private static List<String> strings(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::textValue).toList();
  }

  private static float[] floats(JsonNode list) {
    return floats(IntStream.range(0, list.size()).mapToObj(i -> list.get(i).floatValue()).toList());
  }

  private static float[] floats(List<Float> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }
}
