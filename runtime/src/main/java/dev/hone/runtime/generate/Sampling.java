package dev.hone.runtime.generate;

import java.util.Map;
import java.util.OptionalLong;

/**
 * How a token is chosen among the logits of all. What is set works in this order, which is that of
 * transformers' processors and warpers (llama.cpp has the temperature last):
 *
 * <ol>
 *   <li>{@code bias} is added to the logits it names;
 *   <li>a token that the prompt or the answer has: its logit is divided by {@code
 *       repetitionPenalty} where positive, multiplied where negative (Keskar et al., "CTRL",
 *       section 4.1);
 *   <li>a token that the answer has n times: its logit falls by {@code presencePenalty + n
 *       frequencyPenalty};
 *   <li>logits are divided by {@code temperature}; 0 takes the largest, and what follows is not
 *       asked;
 *   <li>the {@code topK} largest stay;
 *   <li>of these the fewest whose probabilities come to {@code topP} (Holtzman et al., "The Curious
 *       Case of Neural Text Degeneration", section 3.1);
 *   <li>of these, those with at least {@code minP} times the largest probability.
 * </ol>
 *
 * <p>Of equal logits the token with the smaller id comes first.
 *
 * @param temperature from 0
 * @param topK 0: all
 * @param topP above 0, at most 1: all
 * @param minP from 0: all, to 1
 * @param repetitionPenalty above 0; 1: none
 * @param presencePenalty of any sign; 0: none
 * @param frequencyPenalty of any sign; 0: none
 * @param bias tokens to what is added to their logits
 * @param seed of the random numbers; another one every time where there is none
 */
public record Sampling(
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    float presencePenalty,
    float frequencyPenalty,
    Map<Integer, Float> bias,
    OptionalLong seed) {
  private static final Sampling GREEDY =
      new Sampling(0, 0, 1, 0, 1, 0, 0, Map.of(), OptionalLong.empty());

  public Sampling {
    check("temperature", temperature, temperature >= 0, "a number from 0");
    check("topK", topK, topK >= 0, "at least 1, or 0 for all");
    check("topP", topP, topP > 0 && topP <= 1, "above 0 and at most 1");
    check("minP", minP, minP >= 0 && minP <= 1, "from 0 to 1");
    check("repetitionPenalty", repetitionPenalty, repetitionPenalty > 0, "above 0");
    check("presencePenalty", presencePenalty, true, "a number");
    check("frequencyPenalty", frequencyPenalty, true, "a number");
    bias = Map.copyOf(bias);
    bias.forEach((token, value) -> check("bias of token " + token, value, true, "a number"));
  }

  private static void check(String name, float value, boolean inside, String wanted) {
    if (!Float.isFinite(value) || !inside) {
      throw new IllegalArgumentException(name + "=" + value + " must be " + wanted);
    }
  }

  /** Always the largest logit. */
  public static Sampling greedy() {
    return GREEDY;
  }

  /** As the model's own probabilities are, raised to {@code 1 / temperature}. */
  public static Sampling of(float temperature) {
    return GREEDY.temperature(temperature);
  }

  public Sampling temperature(float value) {
    return new Sampling(
        value, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, bias, seed);
  }

  /** Only the likeliest tokens, by number, by their share, by their distance to the first. */
  public Sampling only(int newTopK, float newTopP, float newMinP) {
    return new Sampling(
        temperature,
        newTopK,
        newTopP,
        newMinP,
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        bias,
        seed);
  }

  public Sampling penalties(float repetition, float presence, float frequency) {
    return new Sampling(temperature, topK, topP, minP, repetition, presence, frequency, bias, seed);
  }

  public Sampling bias(Map<Integer, Float> tokens) {
    return new Sampling(
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        tokens,
        seed);
  }

  public Sampling seed(long value) {
    return new Sampling(
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        bias,
        OptionalLong.of(value));
  }
}
