package dev.hone.model.format.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.gguf.MetadataValue.Fraction;
import dev.hone.model.format.gguf.MetadataValue.Text;
import dev.hone.model.format.gguf.MetadataValue.Whole;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The keys that a {@code config.json} stands for, as llama.cpp's converter writes them: what {@link
 * MetadataConfig} undoes. A setting that llama.cpp has in its code and that the config has
 * otherwise is refused, since the file would not say it.
 */
final class ConfigMetadata {
  private static final int MOST = 1 << 28;

  private final Config config;
  private final GgufArchitecture architecture;
  private final Map<String, MetadataValue> values = new LinkedHashMap<>();

  private ConfigMetadata(Config config, GgufArchitecture architecture) {
    this.config = config;
    this.architecture = architecture;
  }

  /** The keys of the architecture. */
  static Map<String, MetadataValue> of(Config config, GgufArchitecture architecture) {
    ConfigMetadata metadata = new ConfigMetadata(config, architecture);
    metadata.values.put("general.architecture", Text.of(architecture.label()));
    metadata.values.put("general.type", Text.of("model"));
    metadata.fill();
    return metadata.values;
  }

  static int heads(Config config) {
    return config.positive(config.has("n_head") ? "n_head" : "num_attention_heads", MOST);
  }

  static int kvHeads(Config config) {
    return config.positive("num_key_value_heads", MOST, heads(config));
  }

  private void put(String name, long value) {
    values.put(architecture.label() + "." + name, new Whole(MetadataKind.UINT32, value));
  }

  private void put(String name, float value) {
    values.put(architecture.label() + "." + name, new Fraction(MetadataKind.FLOAT32, value));
  }

  private void put(String name, String value) {
    values.put(architecture.label() + "." + name, Text.of(value));
  }

  private void fill() {
    switch (architecture) {
      case GPT2 -> gpt2();
      case GPTNEOX -> gptNeox();
      case LLAMA -> llama();
      case QWEN2, QWEN3, OLMO2 -> {
        noWindow();
        decoder();
      }
      case QWEN3MOE -> qwen3Moe();
      case PHI3 -> {
        decoder();
        window();
      }
      case GEMMA2, GEMMA3 -> gemma();
    }
  }

  private void decoder() {
    config.require("hidden_act", "silu");
    sizes();
    put("attention.head_count_kv", kvHeads(config));
    put("attention.layer_norm_rms_epsilon", config.number("rms_norm_eps", 1e-6f));
    put("attention.key_length", headDim());
    put("attention.value_length", headDim());
    rope();
  }

  private void sizes() {
    put("block_count", config.positive("num_hidden_layers", MOST));
    put("context_length", config.positive("max_position_embeddings", MOST));
    put("embedding_length", hidden());
    put("feed_forward_length", config.positive("intermediate_size", MOST));
    put("attention.head_count", heads(config));
    put("vocab_size", config.positive("vocab_size", MOST));
  }

  private int hidden() {
    return config.positive("hidden_size", MOST);
  }

  private int headDim() {
    return config.positive("head_dim", MOST, hidden() / heads(config));
  }

  private void llama() {
    decoder();
    window();
    if (config.has("num_local_experts")) {
      put("expert_count", config.positive("num_local_experts", MOST));
      put("expert_used_count", config.positive("num_experts_per_tok", MOST));
    }
  }

  private void qwen3Moe() {
    noWindow();
    if (config.integer("decoder_sparse_step", 1) != 1
        || !config.json().path("mlp_only_layers").isEmpty()) {
      throw config.wrong("decoder_sparse_step", "1, with experts in every layer");
    }
    if (!config.flag("norm_topk_prob", false)) {
      throw config.wrong("norm_topk_prob", "true: llama.cpp divides by the sum");
    }
    decoder();
    String experts = config.has("num_experts") ? "num_experts" : "num_local_experts";
    put("expert_count", config.positive(experts, MOST));
    put("expert_used_count", config.positive("num_experts_per_tok", MOST));
    put("expert_feed_forward_length", config.positive("moe_intermediate_size", MOST));
  }

  private void window() {
    if (config.has("sliding_window")) {
      put("attention.sliding_window", config.positive("sliding_window", MOST));
    }
  }

  private void noWindow() {
    if (config.flag("use_sliding_window", false)) {
      throw config.wrong("use_sliding_window", "false: llama.cpp has no windows for these models");
    }
  }

  private void gemma() {
    config.require("hidden_activation", "gelu_pytorch_tanh");
    sizes();
    put("attention.head_count_kv", kvHeads(config));
    put("attention.layer_norm_rms_epsilon", config.number("rms_norm_eps", 1e-6f));
    put("attention.key_length", headDim());
    put("attention.value_length", headDim());
    put("attention.sliding_window", config.positive("sliding_window", MOST));
    for (String cap : new String[] {"attn_logit_softcapping", "final_logit_softcapping"}) {
      if (config.has(cap)) {
        put(cap, config.number(cap));
      } else if (architecture == GgufArchitecture.GEMMA2) {
        throw config.wrong(cap, "a number: llama.cpp caps where none is given");
      }
    }
    int scale =
        MetadataConfig.queryScale(
            architecture,
            config.positive("num_hidden_layers", MOST),
            hidden(),
            heads(config),
            headDim());
    if (config.number("query_pre_attn_scalar", scale) != scale) {
      throw config.wrong("query_pre_attn_scalar", scale + ", as llama.cpp has it");
    }
    layerTypes();
    rope();
    if (architecture == GgufArchitecture.GEMMA3) {
      float local = config.number("rope_local_base_freq", 10_000);
      put("rope.freq_base_swa", slidingRope().map(r -> r.number("rope_theta")).orElse(local));
    }
  }

  private Optional<Config> slidingRope() {
    return config.object("rope_parameters").flatMap(r -> r.object("sliding_attention"));
  }

  private void layerTypes() {
    JsonNode types = config.json().path("layer_types");
    for (int layer = 0; layer < types.size(); layer++) {
      boolean full = MetadataConfig.isFull(architecture, layer);
      if (!types.get(layer).asText().equals(full ? "full_attention" : "sliding_attention")) {
        throw config.wrong(
            "layer_types", "as llama.cpp has them, of which layer " + layer + " is not");
      }
    }
  }

  private void gpt2() {
    config.require("activation_function", "gelu_new");
    int hidden = config.positive("n_embd", MOST);
    put("block_count", config.positive("n_layer", MOST));
    put("context_length", config.positive("n_positions", MOST));
    put("embedding_length", hidden);
    put("feed_forward_length", config.positive("n_inner", MOST, 4 * hidden));
    put("attention.head_count", heads(config));
    put("attention.layer_norm_epsilon", config.number("layer_norm_epsilon", 1e-5f));
  }

  private void gptNeox() {
    config.require("hidden_act", "gelu");
    sizes();
    put("attention.layer_norm_epsilon", config.number("layer_norm_eps", 1e-5f));
    values.put(
        architecture.label() + ".use_parallel_residual",
        new Whole(MetadataKind.BOOL, config.flag("use_parallel_residual", true) ? 1 : 0));
    rope();
  }

  /** The settings of RoPE, in the form of today or of before. */
  private Config ropeSettings() {
    Optional<Config> parameters = config.object("rope_parameters");
    return parameters
        .flatMap(p -> p.object("full_attention"))
        .or(() -> parameters)
        .or(() -> config.object("rope_scaling"))
        .orElse(new Config(config.source(), config.json().objectNode()));
  }

  private void rope() {
    Config rope = ropeSettings();
    put(
        "rope.freq_base",
        rope.number("rope_theta", config.number(old("rope_theta", "rotary_emb_base"), 10_000)));
    float part =
        rope.number(
            "partial_rotary_factor", config.number(old("partial_rotary_factor", "rotary_pct"), 1));
    put("rope.dimension_count", (int) (headDim() * part));
    String type = rope.text("rope_type", rope.text("type", "default"));
    switch (type) {
      case "default", "llama3" -> {} // the latter is a tensor
      case "linear" -> {
        put("rope.scaling.type", "linear");
        put("rope.scaling.factor", rope.number("factor"));
      }
      case "yarn" -> yarn(rope);
      case "longrope" -> {
        if (RopeFactors.areOne(rope)) {
          return;
        }
        put("rope.scaling.type", "longrope");
        put("rope.scaling.original_context_length", RopeFactors.originalContext(config, rope));
        put("rope.scaling.attn_factor", RopeFactors.attentionFactor(config, rope));
      }
      default ->
          throw rope.wrong(
              "rope_type", "default, linear, llama3, yarn or longrope to stand in GGUF");
    }
  }

  private String old(String name, String older) {
    return config.has(name) ? name : older;
  }

  private void yarn(Config rope) {
    put("rope.scaling.type", "yarn");
    put("rope.scaling.factor", rope.number("factor"));
    put("rope.scaling.original_context_length", RopeFactors.originalContext(config, rope));
    for (String name : new String[] {"beta_fast", "beta_slow"}) {
      if (rope.has(name)) {
        put("rope.scaling.yarn_" + name, rope.number(name));
      }
    }
    for (String name : new String[] {"attention_factor", "mscale", "mscale_all_dim"}) {
      if (rope.has(name)) {
        throw rope.wrong(name, "left out: llama.cpp computes it from the factor");
      }
    }
  }

  /** The settings of RoPE that stand in tensors. */
  static Map<String, float[]> ropeTensors(Config config, GgufArchitecture architecture) {
    ConfigMetadata metadata = new ConfigMetadata(config, architecture);
    Config rope = metadata.ropeSettings();
    String type = rope.text("rope_type", rope.text("type", "default"));
    if (type.equals("longrope") && RopeFactors.areOne(rope)) {
      return Map.of("rope_freqs.weight", RopeFactors.list(rope, "long_factor"));
    }
    if (type.equals("longrope")) {
      return Map.of(
          "rope_factors_long.weight", RopeFactors.list(rope, "long_factor"),
          "rope_factors_short.weight", RopeFactors.list(rope, "short_factor"));
    }
    if (!type.equals("llama3")) {
      return Map.of();
    }
    float base = rope.number("rope_theta", config.number("rope_theta", 10_000));
    return Map.of("rope_freqs.weight", RopeFactors.llama3(rope, base, metadata.headDim(), config));
  }

  /** The architecture that a config is written as. */
  static GgufArchitecture architecture(Config config) {
    return GgufArchitecture.ofModelType(config.text("model_type"))
        .orElseThrow(
            () ->
                new FormatException(
                    config.source()
                        + ": model_type="
                        + config.text("model_type")
                        + " is not written as GGUF; llama.cpp's names are known of "
                        + GgufArchitecture.labels()));
  }
}
