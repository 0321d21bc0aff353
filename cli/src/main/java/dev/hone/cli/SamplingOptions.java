package dev.hone.cli;

import dev.hone.runtime.generate.GenerationSettings;
import dev.hone.runtime.generate.Sampling;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.random.RandomGenerator;
import picocli.CommandLine.Option;

/** How tokens are chosen and where an answer ends; what is not asked for is as the model says. */
final class SamplingOptions {
  @Option(
      names = "--temperature",
      description = "0 takes the likeliest token (default: the model's own, else 0).")
  private Float temperature;

  @Option(names = "--top-k", description = "Only the K likeliest tokens; 0: all.")
  private Integer topK;

  @Option(names = "--top-p", description = "Only the likeliest tokens that come to P together.")
  private Float topP;

  @Option(names = "--min-p", description = "Only tokens at least P times as likely as the first.")
  private Float minP;

  @Option(
      names = "--repetition-penalty",
      description = "Makes what prompt or answer have less likely; 1: no.")
  private Float repetition;

  @Option(
      names = "--presence-penalty",
      description = "Taken from the logits of what the answer has.")
  private Float presence;

  @Option(
      names = "--frequency-penalty",
      description = "Taken from these as often as the answer has them.")
  private Float frequency;

  @Option(
      names = "--bias",
      paramLabel = "ID=NUMBER",
      description = "Added to the logit of a token; may be given several times.")
  private Map<Integer, Float> bias;

  @Option(names = "--seed", description = "The same seed gives the same answer.")
  private Long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "Ends the answer before this text; may be given several times.")
  private List<String> stops;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description =
          "Tokens of an answer at most (default: the model's own, else "
              + GenerationSettings.DEFAULT_NEW_TOKENS
              + ").")
  private Integer maxTokens;

  boolean limitsLength() {
    return maxTokens != null;
  }

  /** The model's settings with what was asked for, and a seed. */
  GenerationSettings settings(GenerationSettings model) {
    Sampling own = model.sampling();
    try {
      Sampling sampling =
          new Sampling(
              or(temperature, own.temperature()),
              or(topK, own.topK()),
              or(topP, own.topP()),
              or(minP, own.minP()),
              or(repetition, own.repetitionPenalty()),
              or(presence, own.presencePenalty()),
              or(frequency, own.frequencyPenalty()),
              or(bias, own.bias()),
              OptionalLong.of(or(seed, RandomGenerator.getDefault().nextLong(1L << 31))));
      if (sampling.temperature() == 0 && (topK != null || topP != null || minP != null)) {
        throw new WrongInput(
            "--top-k, --top-p and --min-p do nothing at temperature 0; give --temperature");
      }
      GenerationSettings settings =
          model.sampling(sampling).maxNewTokens(or(maxTokens, model.maxNewTokens()));
      return stops == null ? settings : settings.stopStrings(stops.toArray(String[]::new));
    } catch (IllegalArgumentException e) {
      throw new WrongInput(e.getMessage());
    }
  }

  private static <T> T or(T asked, T otherwise) {
    return asked == null ? otherwise : asked;
  }
}
