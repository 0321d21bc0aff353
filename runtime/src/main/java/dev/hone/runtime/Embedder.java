package dev.hone.runtime;

import dev.hone.model.Head;
import dev.hone.model.Transformer;
import dev.hone.model.folder.TextSettings;
import dev.hone.tensor.Pooling;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Makes vectors of texts, with the model's prompts before them. */
record Embedder(PackedRun run) {

  /**
   * A bare encoder with the pooling that sentence-transformers gives it; any other model as it is.
   */
  static Transformer pooled(Transformer transformer) {
    return switch (transformer.head()) {
      case Head.HiddenStates _ ->
          transformer.with(new Head.SentenceEmbedding(List.of(Pooling.MEAN), List.of(), false, 0));
      case Head.SentenceEmbedding _, Head.SequenceLabels _, Head.TokenLabels _, Head.NextToken _ ->
          transformer;
    };
  }

  List<float[]> embed(List<String> texts, Optional<String> promptName) {
    run.head(Head.SentenceEmbedding.class, "no pooling, so a text has no vector");
    String prompt = promptName.map(this::prompt).orElse("");
    boolean lowerCase = run.model().text().lowerCase();
    List<String> prepared =
        texts.stream()
            .map(prompt::concat)
            .map(text -> lowerCase ? text.toLowerCase(Locale.ROOT) : text)
            .toList();
    return run.texts(prepared, (text, encoding, rows) -> rows[0]);
  }

  /** How similar every document's vector is to the query's, as the model wants it measured. */
  List<Float> similarities(String query, List<String> documents) {
    float[] asked = embed(List.of(query), promptAmong("query")).getFirst();
    return embed(documents, promptAmong("document", "passage", "corpus")).stream()
        .map(vector -> similarity(asked, vector))
        .toList();
  }

  private float similarity(float[] a, float[] b) {
    return switch (run.model().text().similarity()) {
      case COSINE -> Similarity.cosine(a, b);
      case DOT -> Similarity.dot(a, b);
      case EUCLIDEAN -> Similarity.euclidean(a, b);
      case MANHATTAN -> Similarity.manhattan(a, b);
    };
  }

  /** The first of these prompts that the model has, else its default one. */
  private Optional<String> promptAmong(String... names) {
    TextSettings text = run.model().text();
    return Stream.of(names).filter(text.prompts()::containsKey).findFirst().or(text::defaultPrompt);
  }

  private String prompt(String name) {
    TextSettings settings = run.model().text();
    String prompt = settings.prompts().get(name);
    if (prompt == null) {
      throw new UnsupportedByModelException(
          "the model has no prompt of that name: prompt="
              + name
              + "; it has "
              + settings.prompts().keySet());
    }
    if (!prompt.isEmpty() && !settings.poolPrompt()) {
      throw new UnsupportedByModelException(
          run.model().folder()
              + " leaves the prompt out of the pooling (include_prompt: false), which"
              + " is not supported yet: prompt="
              + name);
    }
    return prompt;
  }
}
