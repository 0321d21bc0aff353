package dev.hone.compress.search;

import dev.hone.compress.calibrate.CalibrationTexts;
import dev.hone.model.Batch;
import dev.hone.runtime.Encoder;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Of encoders: what the original and a candidate answer to the same texts is held side by side.
 *
 * @param <A> the answers to one part of the texts
 */
public abstract class EncoderQuality<A> extends Quality<EncoderSubject> {
  /** Texts that calibrated recipes look at. */
  private static final int CALIBRATION_TEXTS = 256;

  /** Of each of them. */
  private static final int CALIBRATION_TOKENS = 128;

  private final Map<Part, A> originals = new EnumMap<>(Part.class);
  private final Map<Part, Judgement> unchanged = new EnumMap<>(Part.class);

  /** Those to choose by, as recipes look at them. */
  abstract List<String> calibrationTexts();

  /** Asks an encoder for its answers to one part. */
  abstract A answers(Encoder encoder, Part part);

  /** Holds answers to one part against the original's. */
  abstract Judgement judge(Part part, A original, A answers);

  /** How far answers are from the original's, without labels. */
  abstract double divergence(A original, A answers);

  @Override
  final String unit() {
    return "texts";
  }

  @Override
  final List<Batch> calibration(EncoderSubject original) {
    Encoder encoder = original.encoder();
    return CalibrationTexts.texts(
        calibrationTexts(),
        CALIBRATION_TEXTS,
        encoder.tokenizer(),
        Math.min(CALIBRATION_TOKENS, encoder.maxTokens()));
  }

  @Override
  final void remember(EncoderSubject original) {
    for (Part part : Part.values()) {
      originals.put(part, answers(original.encoder(), part));
    }
  }

  @Override
  final Judgement ofOriginal(Part part) {
    return unchanged.computeIfAbsent(part, p -> judge(p, originals.get(p), originals.get(p)));
  }

  @Override
  final double divergence(EncoderSubject candidate) {
    return divergence(originals.get(Part.SAMPLE), answers(candidate.encoder(), Part.SAMPLE));
  }

  @Override
  final Judgement of(EncoderSubject candidate, Part part) {
    return judge(part, originals.get(part), answers(candidate.encoder(), part));
  }
}
