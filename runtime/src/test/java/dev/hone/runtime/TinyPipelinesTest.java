package dev.hone.runtime;

import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Three kinds of encoder folder answer as the reference does, on the fastest kernels and the plain
 * ones.
 */
class TinyPipelinesTest {
  @TempDir Path scratch;

  @ParameterizedTest
  @ValueSource(strings = {"embed-mean", "classify-one-of-three", "tokens"})
  void answersAsTheReference(String name) throws IOException {
    Pipeline pipeline = TinyModels.pipeline(name, scratch);
    EncoderOptions options = EncoderOptions.defaults().onCut(cut -> {});
    pipeline.check(options);
    pipeline.check(options.kernels(KernelTier.SCALAR));
  }
}
