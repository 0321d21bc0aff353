package dev.hone.runtime;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every published kind of encoder folder answers as transformers and sentence-transformers do. */
@Tag("shared")
class PipelinesTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "classify-many-labels",
        "classify-one-of-three",
        "classify-regression",
        "embed-cls",
        "embed-dense",
        "embed-dense-old-form",
        "embed-last-token",
        "embed-max",
        "embed-mean",
        "embed-mean-sqrt",
        "embed-prompts",
        "embed-truncate-32",
        "embed-weighted-mean",
        "rerank",
        "tokens",
        "zero-shot"
      })
  void answersAsTheReference(String name) throws IOException {
    Path pipelines = Path.of(System.getProperty("hone.shared"), "goldens", "pipelines");
    new Pipeline(pipelines.resolve(name), pipelines.resolve("texts.json"))
        .check(EncoderOptions.defaults().onCut(cut -> {}));
  }
}
