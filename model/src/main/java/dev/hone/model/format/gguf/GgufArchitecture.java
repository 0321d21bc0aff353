package dev.hone.model.format.gguf;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The architectures whose GGUF files are read and written, with their names in both worlds. */
enum GgufArchitecture {
  /** Llama, Mistral and Mixtral, which differ by their keys. */
  LLAMA("llama", "llama", "mistral", "mixtral"),
  QWEN2("qwen2", "qwen2"),
  QWEN3("qwen3", "qwen3"),
  QWEN3MOE("qwen3moe", "qwen3_moe"),
  GEMMA2("gemma2", "gemma2"),
  GEMMA3("gemma3", "gemma3_text"),
  PHI3("phi3", "phi3"),
  GPT2("gpt2", "gpt2"),
  GPTNEOX("gptneox", "gpt_neox"),
  OLMO2("olmo2", "olmo2");

  private final String label;

  @SuppressWarnings("ImmutableEnumChecker") // List.of
  private final List<String> modelTypes;

  GgufArchitecture(String label, String... modelTypes) {
    this.label = label;
    this.modelTypes = List.of(modelTypes);
  }

  /** {@code general.architecture}, and the beginning of its keys. */
  String label() {
    return label;
  }

  /** The {@code model_type} that a config has first of all. */
  String modelType() {
    return modelTypes.getFirst();
  }

  static Optional<GgufArchitecture> of(String label) {
    return Arrays.stream(values()).filter(a -> a.label.equals(label)).findFirst();
  }

  static Optional<GgufArchitecture> ofModelType(String modelType) {
    return Arrays.stream(values()).filter(a -> a.modelTypes.contains(modelType)).findFirst();
  }

  /** The names, as messages list them. */
  static List<String> labels() {
    return Arrays.stream(values()).map(GgufArchitecture::label).toList();
  }
}
