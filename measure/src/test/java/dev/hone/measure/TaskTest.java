package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TaskTest {
  @TempDir Path folder;

  @Test
  void stsbHasNoQuotingAndNoHeader() throws IOException {
    Path data = file("sts.csv", "g\tf\ty\t1\t2.5\tHe said \"no.\tShe said yes.\textra\n");
    assertThat(Task.of("stsb").examples(data))
        .containsExactly(new Example(data + ":1", "He said \"no.", "She said yes.", "2.5"));
  }

  @Test
  void similarityIsTheSpearmanOfCosines() throws IOException {
    Path data = file("pairs.tsv", "text\tpair\tscore\na\tb\t1\na\ta\t5\na\tc\t3\n");
    TaskScore score =
        TaskScore.ofEmbeddings(
            Task.of("scored-pairs"), Task.of("scored-pairs").examples(data), TaskTest::embed);
    assertThat(score.predicted()).containsExactly(new double[] {0, 1, 0.8}, within(1e-7));
    assertThat(score.estimates(Bootstrap.STANDARD).get(Metric.SPEARMAN).value()).isEqualTo(1);
  }

  @Test
  void csvQuotesAndSpansLines() throws IOException {
    Path data = file("x.csv", "label,text\n1,\"a, \"\"b\"\"\nc\"\n\n0,plain\n");
    assertThat(Task.of("labelled").examples(data))
        .containsExactly(
            new Example(data + ":2", "a, \"b\"\nc", null, "1"),
            new Example(data + ":5", "plain", null, "0"));
  }

  @Test
  void jsonlByFieldNamesInAnyOrder() throws IOException {
    Path data =
        file("x.jsonl", "{\"text\":\"a\",\"label\":1}\n\n{\"label\":\"0\",\"text\":\"b\"}\n");
    assertThat(Task.of("labelled").examples(data))
        .containsExactly(
            new Example(data + ":1", "a", null, "1"), new Example(data + ":3", "b", null, "0"));
  }

  @Test
  void headerNamesWinOverPositionsAndAByteOrderMarkIsNoName() throws IOException {
    Path data = file("x.tsv", "\uFEFFlabel\tqid\ttext_a\npositive\t7\tgood\n");
    assertThat(Task.of("chnsenticorp").examples(data))
        .containsExactly(new Example(data + ":2", "good", null, "positive"));
  }

  @Test
  void labelsMatchTheModelsByNameByTheTasksNamesOrByNumber() throws IOException {
    Path data = file("x.tsv", "sentence\tlabel\nbad\t0\ngood\tPositive\n");
    assertThat(expected("sst2", data, "negative", "positive")).containsExactly(0, 1);
    assertThat(expected("sst2", data, "POSITIVE", "NEGATIVE")).containsExactly(1, 0);
    assertThat(expected("sst2", data, "LABEL_0", "LABEL_1")).containsExactly(0, 1);
    assertThatThrownBy(() -> expected("sst2", data, "spam", "ham"))
        .hasMessage(
            data
                + ":2: label '0' is none of the model's [spam, ham]; rename the labels in the file"
                + " to these");
    assertThatThrownBy(() -> expected("labelled", data, "LABEL_0", "LABEL_1"))
        .hasMessageStartingWith(data + ":3: label 'Positive' is none of the model's");
  }

  @Test
  void accuracyOfAClassifier() throws IOException {
    Path data = file("x.tsv", "good\t1\nbad\t0\nfine\t1\nawful\t1\n");
    Task task = Task.of("sst2");
    TaskScore score =
        TaskScore.ofClasses(
            task,
            task.examples(data),
            List.of("negative", "positive"),
            texts ->
                texts.stream()
                    .map(t -> t.length() == 4 ? new float[] {-1, 2} : new float[] {1, 0})
                    .toList());
    assertThat(score.predicted()).containsExactly(1, 0, 1, 0);
    assertThat(score.estimates(Bootstrap.STANDARD)).containsOnlyKeys(Metric.ACCURACY, Metric.F1);
    assertThat(score.estimates(Bootstrap.STANDARD).get(Metric.ACCURACY).value()).isEqualTo(0.75);
    assertThat(score.lossFrom(score, Bootstrap.STANDARD).value()).isZero();
  }

  @Test
  void badFilesAreNamedWithPlaceAndRemedy() throws IOException {
    Path unlabelled = file("test.tsv", "qid\ttext_a\n0\tx\n");
    assertThatThrownBy(() -> Task.of("chnsenticorp").examples(unlabelled))
        .hasMessage(
            unlabelled + ":1: no column label; the first row has qid, text_a; rename one of them");
    Path cut = file("cut.tsv", "good\t1\nbad\n");
    assertThatThrownBy(() -> Task.of("sst2").examples(cut))
        .hasMessage(
            cut
                + ":2: column 2 (label) is missing or empty, the row has 1 columns; complete the"
                + " row or remove it");
    Path words = file("sts.csv", "g\tf\ty\t1\thigh\ta\tb\n");
    assertThatThrownBy(
            () ->
                TaskScore.ofEmbeddings(
                    Task.of("stsb"), Task.of("stsb").examples(words), TaskTest::embed))
        .hasMessageStartingWith(words + ":1: score 'high' is not a number");
    Path json = file("x.jsonl", "{\"text\":\"a\",\"label\":1}\n{\"text\":\n");
    assertThatThrownBy(() -> Task.of("labelled").examples(json))
        .hasMessageStartingWith(json + ":2: not JSON");
    Path field = file("y.jsonl", "{\"text\":\"a\",\"label\":1}\n{\"text\":\"b\"}\n");
    assertThatThrownBy(() -> Task.of("labelled").examples(field))
        .hasMessageStartingWith(field + ":2: column 2 (label) is missing");
    Path quotes = file("q.csv", "text,label\n\"a\"b,1\n");
    assertThatThrownBy(() -> Task.of("labelled").examples(quotes))
        .hasMessageStartingWith(quotes + ":2: ");
    Path empty = file("e.tsv", "\n");
    assertThatThrownBy(() -> Task.of("sst2").examples(empty)).hasMessage(empty + " holds no rows");
    Path odd = file("x.parquet", "PAR1");
    assertThatThrownBy(() -> Task.of("labelled").examples(odd))
        .hasMessageContaining("must end on .tsv, .csv or .jsonl");
    Path latin = folder.resolve("latin.tsv");
    Files.write(latin, "sch\u00f6n\t1\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> Task.of("sst2").examples(latin)).hasMessageContaining("is not UTF-8");
    assertThatThrownBy(() -> Task.of("sst2").examples(folder.resolve("none.tsv")))
        .hasMessageEndingWith("none.tsv is missing");
  }

  @Test
  void aTaskIsOneFile() throws IOException {
    Path task =
        file(
            "mine.yaml",
            "mine:\n  title: t\n  kind: classification\n  text: {names: [q]}\n"
                + "  expected: {names: [a]}\n  metrics: [macro-f1]\n");
    Path data = file("mine.csv", "q,a\nwhy,because\n");
    assertThat(Task.of(task.toString()).examples(data))
        .containsExactly(new Example(data + ":2", "why", null, "because"));
    assertThatThrownBy(() -> Task.of("stsc"))
        .isInstanceOf(TaskException.class)
        .hasMessageStartingWith("no task named stsc: known are stsb, sst2,");
    Path unknown = file("bad.yaml", "mine:\n  titel: t\n");
    assertThatThrownBy(() -> Task.of(unknown.toString()))
        .hasMessageContaining("a task needs title, kind");
  }

  @Test
  void aModelOfTheWrongKindIsRefused() {
    assertThatThrownBy(() -> TaskScore.ofEmbeddings(Task.of("sst2"), List.of(), TaskTest::embed))
        .hasMessageContaining("asks for classification");
  }

  @Test
  @Tag("shared")
  void publishedFilesAreReadWhole() {
    Path texts = Path.of(System.getProperty("hone.shared"), "assets", "text");
    assertThat(Task.of("stsb").examples(texts.resolve("stsb/sts-test.csv"))).hasSize(1379);
    assertThat(Task.of("stsb").examples(texts.resolve("stsb/sts-dev.csv"))).hasSize(1500);
    assertThat(Task.of("sst2").examples(texts.resolve("sst2/test.tsv"))).hasSize(872);
    assertThat(Task.of("sst2").examples(texts.resolve("sst2/dev.tsv"))).hasSize(6735);
    assertThat(Task.of("chnsenticorp").examples(texts.resolve("chnsenticorp/dev.tsv")))
        .hasSize(1200);
  }

  private double[] expected(String task, Path data, String... labels) {
    Function<List<String>, List<float[]>> model =
        texts -> texts.stream().map(t -> new float[labels.length]).toList();
    return TaskScore.ofClasses(Task.of(task), Task.of(task).examples(data), List.of(labels), model)
        .expected();
  }

  /** a: east, b: north, c: between them. */
  private static List<float[]> embed(List<String> texts) {
    return texts.stream()
        .map(
            t ->
                switch (t) {
                  case "a" -> new float[] {1, 0};
                  case "b" -> new float[] {0, 1};
                  default -> new float[] {4, 3};
                })
        .toList();
  }

  private Path file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }
}
