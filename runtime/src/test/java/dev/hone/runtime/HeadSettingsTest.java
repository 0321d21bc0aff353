package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What configs say of labels and scores, in every spelling that is published. */
class HeadSettingsTest {

  private static Config config(String json) throws JsonProcessingException {
    return new Config("config.json", (ObjectNode) new ObjectMapper().readTree(json));
  }

  private static float[] scores(List<Label> labels) {
    float[] scores = new float[labels.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = labels.get(i).score();
    }
    return scores;
  }

  @Test
  void severalLabelsCompeteUnlessTheConfigSaysOtherwise() throws JsonProcessingException {
    List<Label> labels = Labels.of(config("{}"), 2).scored(new float[] {0, (float) Math.log(3)});
    assertThat(labels).extracting(Label::name).containsExactly("LABEL_1", "LABEL_0");
    assertThat(scores(labels)).containsExactly(new float[] {0.75f, 0.25f}, within(1e-6f));
    Labels each =
        Labels.of(config("{'problem_type':'multi_label_classification'}".replace('\'', '"')), 2);
    assertThat(scores(each.scored(new float[] {0, (float) Math.log(3)})))
        .containsExactly(new float[] {0.75f, 0.5f}, within(1e-6f));
  }

  @Test
  void oneLabelIsAProbabilityUnlessItIsANumber() throws JsonProcessingException {
    assertThat(scores(Labels.of(config("{}"), 1).scored(new float[] {0}))).containsExactly(0.5f);
    Config number = config("{\"problem_type\":\"regression\"}");
    assertThat(scores(Labels.of(number, 1).scored(new float[] {-7}))).containsExactly(-7f);
  }

  @Test
  void labelsThatDoNotFitTheClassifierAreRefused() throws JsonProcessingException {
    Config two = config("{\"id2label\":{\"0\":\"no\",\"1\":\"yes\"}}");
    assertThat(Labels.of(two, 2).names()).containsExactly("no", "yes");
    assertThatThrownBy(() -> Labels.of(two, 3))
        .isInstanceOf(FormatException.class)
        .hasMessage("config.json: id2label names 2 labels, the classifier has 3");
    Config gap = config("{\"id2label\":{\"0\":\"no\",\"2\":\"yes\"}}");
    assertThatThrownBy(() -> Labels.of(gap, 2)).hasMessage("config.json: id2label: 1 is missing");
    Config odd = config("{\"problem_type\":\"ordinal\"}");
    assertThatThrownBy(() -> Labels.of(odd, 2)).hasMessageContaining("problem_type");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | SIGMOID",
        "{\"sentence_transformers\":{\"version\":\"5.0\"}} | SIGMOID",
        "{\"sentence_transformers\":{\"activation_fn\":\"torch.nn.modules.linear.Identity\"}} |"
            + " LOGIT",
        "{\"sbert_ce_default_activation_function\":\"torch.nn.modules.linear.Identity\"} | LOGIT",
        "{\"sentence_transformers\":{\"activation_fn\":\"torch.nn.modules.activation.Tanh\"}} |"
            + " TANH",
        "{\"sentence_transformers\":{\"activation_fn\":\"torch.nn.modules.activation.Sigmoid\"}} |"
            + " SIGMOID",
      })
  void aCrossEncoderScoresAsItsConfigSays(String json, Relevance expected)
      throws JsonProcessingException {
    assertThat(Relevance.of(config(json))).isEqualTo(expected);
  }

  @Test
  void scoresOfAnUnknownFunctionAreRefused() throws JsonProcessingException {
    Config own = config("{\"sentence_transformers\":{\"activation_fn\":\"my.module.Sigmoid\"}}");
    assertThatThrownBy(() -> Relevance.of(own))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("my.module.Sigmoid");
    assertThat(Relevance.SIGMOID.score(0)).isEqualTo(0.5f);
    assertThat(Relevance.TANH.score(0.5f)).isCloseTo(0.46211717f, within(1e-6f));
    assertThat(Relevance.LOGIT.score(-11)).isEqualTo(-11);
  }

  @Test
  void candidatesNeedAPlaceForTheLabel() {
    assertThat(Candidates.oneOf("sport").template("About {}: {}!").hypothesis(0))
        .isEqualTo("About sport: sport!");
    assertThatThrownBy(() -> Candidates.anyOf("sport").template("This is sport."))
        .hasMessageContaining("template=This is sport.");
    assertThatThrownBy(() -> Candidates.oneOf()).hasMessageContaining("no candidate labels");
  }

  @Test
  void similarities() {
    float[] a = {3, 0};
    float[] b = {0, 4};
    assertThat(Similarity.cosine(a, b)).isZero();
    assertThat(Similarity.cosine(a, new float[] {0.1f, 0})).isEqualTo(1);
    assertThat(Similarity.cosine(a, new float[2])).isZero();
    assertThat(Similarity.dot(a, a)).isEqualTo(9);
    assertThat(Similarity.euclidean(a, b)).isEqualTo(-5);
    assertThat(Similarity.manhattan(a, b)).isEqualTo(-7);
    assertThatThrownBy(() -> Similarity.cosine(a, new float[3])).hasMessageContaining("2 and 3");
  }
}
