package dev.hone.compress.search;

import dev.hone.measure.Speed;
import dev.hone.measure.Workload;
import dev.hone.model.Transformer;
import dev.hone.model.folder.Model;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.runtime.Engine;
import dev.hone.tensor.kernel.KernelTier;
import java.nio.file.Path;
import java.util.List;

/** An encoder, timed on texts like those that it is reported by. */
public record EncoderSubject(
    Encoder encoder, EncoderOptions options, Workload.OfTexts workload, List<String> notes)
    implements Subject<EncoderSubject> {
  private static final long SEED = 1;

  /**
   * Loads the original.
   *
   * @param source its folder or file
   * @param texts of which those are drawn that speed is measured on
   */
  public static EncoderSubject load(Path source, EncoderOptions options, List<String> texts) {
    Encoder encoder = Encoder.load(source, options);
    try {
      Workload.OfTexts workload = Workload.of(texts, encoder::tokens, SEED);
      return new EncoderSubject(encoder, options, workload, cuts(encoder, texts));
    } catch (RuntimeException | Error e) {
      encoder.close();
      throw e;
    }
  }

  private static List<String> cuts(Encoder encoder, List<String> texts) {
    int limit = encoder.maxTokens();
    long cut = texts.stream().filter(text -> encoder.tokenizer().tokenCount(text) > limit).count();
    return cut == 0
        ? List.of()
        : List.of(
            cut
                + " of the "
                + texts.size()
                + " texts to report by were cut to "
                + limit
                + " tokens, as the model reads them");
  }

  @Override
  public Model model() {
    return encoder.model();
  }

  @Override
  public Engine engine() {
    return encoder.engine();
  }

  @Override
  public KernelTier tier() {
    return KernelTier.select(options.kernels()).tier();
  }

  @Override
  public int threads() {
    return options.threads();
  }

  @Override
  public EncoderSubject with(Transformer other) {
    return new EncoderSubject(encoder.with(other), options, workload, notes);
  }

  @Override
  public EncoderSubject load(Path made) {
    // What there is to warn of was said when the original was loaded.
    Encoder candidate = Encoder.load(made, options.onWarning(_ -> {}));
    return new EncoderSubject(candidate, options, workload, notes);
  }

  @Override
  public Speed.Work work() {
    return workload.by(encoder::answers);
  }

  @Override
  public void close() {
    encoder.close();
  }
}
