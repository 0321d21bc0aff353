package dev.hone.model.format.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.format.Config;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;

/**
 * The {@code config.json} that the keys of a GGUF file stand for. Keys: {@code
 * gguf-py/gguf/constants.py} of llama.cpp; fields: the configurations of transformers. What
 * llama.cpp does not keep in the file but knows of an architecture (activations, which layers look
 * back how far) is filled in as it has it.
 */
final class MetadataConfig {
  /** No size of a model is larger. */
  private static final int MOST = 1 << 28;

  private static final int MOST_LAYERS = 1 << 16;

  /** llama.cpp tells these two by their layers: queries are scaled otherwise than by their size. */
  private static final int GEMMA2_27B_LAYERS = 46;

  private static final int GEMMA3_27B_LAYERS = 62;

  private final Gguf gguf;
  private final GgufArchitecture architecture;
  private final Metadata metadata;
  private final ObjectNode json = JsonNodeFactory.instance.objectNode();

  private MetadataConfig(Gguf gguf, GgufArchitecture architecture) {
    this.gguf = gguf;
    this.architecture = architecture;
    this.metadata = gguf.metadata();
  }

  static Config config(Gguf gguf, GgufArchitecture architecture) {
    MetadataConfig config = new MetadataConfig(gguf, architecture);
    config.fill();
    return new Config(gguf.source(), config.json);
  }

  private String key(String name) {
    return architecture.label() + "." + name;
  }

  private int integer(String name) {
    return metadata.integer(key(name), 1, MOST);
  }

  private int integer(String name, int otherwise) {
    return metadata.integer(key(name), 1, MOST, otherwise);
  }

  private boolean has(String name) {
    return metadata.has(key(name));
  }

  static int heads(Metadata metadata, GgufArchitecture architecture) {
    return metadata.integer(architecture.label() + ".attention.head_count", 1, MOST);
  }

  static int kvHeads(Metadata metadata, GgufArchitecture architecture) {
    return metadata.integer(
        architecture.label() + ".attention.head_count_kv", 1, MOST, heads(metadata, architecture));
  }

  private int headDim() {
    int hidden = integer("embedding_length");
    int heads = heads(metadata, architecture);
    if (!has("attention.key_length") && hidden % heads != 0) {
      throw metadata.wrong(key("attention.head_count"), "a divisor of the hidden size " + hidden);
    }
    return integer("attention.key_length", hidden / heads);
  }

  private int layers() {
    return metadata.integer(key("block_count"), 1, MOST_LAYERS);
  }

  private void fill() {
    json.put("model_type", architecture.modelType());
    json.put("vocab_size", gguf.tensor("token_embd.weight").rows());
    json.put("tie_word_embeddings", !gguf.has("output.weight"));
    switch (architecture) {
      case GPT2 -> gpt2();
      case GPTNEOX -> gptNeox();
      case LLAMA -> llama();
      case QWEN2 -> {
        decoder("Qwen2ForCausalLM");
        json.put("use_sliding_window", false);
      }
      case QWEN3 -> {
        decoder("Qwen3ForCausalLM");
        json.put("use_sliding_window", false);
      }
      case QWEN3MOE -> qwen3Moe();
      case PHI3 -> {
        decoder("Phi3ForCausalLM");
        slidingWindow();
      }
      case OLMO2 -> decoder("Olmo2ForCausalLM");
      case GEMMA2, GEMMA3 -> gemma();
    }
    tokenIds();
  }

  private void tokenIds() {
    for (String token : new String[] {"bos", "eos", "padding"}) {
      String key = "tokenizer.ggml." + token + "_token_id";
      if (metadata.has(key)) {
        json.put(
            (token.equals("padding") ? "pad" : token) + "_token_id",
            metadata.integer(key, 0, MOST));
      }
    }
  }

  private void architectureName(String name) {
    json.putArray("architectures").add(name);
  }

  /** What the decoders that came after GPT-2 have in common. */
  private void decoder(String name) {
    architectureName(name);
    json.put("hidden_size", integer("embedding_length"));
    json.put("num_hidden_layers", layers());
    json.put("max_position_embeddings", integer("context_length"));
    json.put("intermediate_size", integer("feed_forward_length"));
    json.put("num_attention_heads", heads(metadata, architecture));
    json.put("num_key_value_heads", kvHeads(metadata, architecture));
    json.put("head_dim", headDim());
    if (integer("attention.value_length", headDim()) != headDim()) {
      throw metadata.wrong(
          key("attention.value_length"), headDim() + ", the length of a key (no other is known)");
    }
    json.put("rms_norm_eps", (float) metadata.number(key("attention.layer_norm_rms_epsilon")));
    json.put("hidden_act", "silu");
    json.put("attention_bias", gguf.has("blk.0.attn_q.bias"));
    json.set("rope_parameters", rope("rope.freq_base", 10_000));
  }

  private void llama() {
    boolean experts = has("expert_count");
    boolean window = has("attention.sliding_window");
    decoder(experts ? "MixtralForCausalLM" : window ? "MistralForCausalLM" : "LlamaForCausalLM");
    json.put("model_type", experts ? "mixtral" : window ? "mistral" : "llama");
    json.put("mlp_bias", gguf.has("blk.0.ffn_up.bias"));
    slidingWindow();
    if (experts) {
      json.put("num_local_experts", integer("expert_count"));
      json.put("num_experts_per_tok", integer("expert_used_count"));
    }
  }

  private void qwen3Moe() {
    decoder("Qwen3MoeForCausalLM");
    json.put("use_sliding_window", false);
    json.put("num_experts", integer("expert_count"));
    json.put("num_local_experts", integer("expert_count"));
    json.put("num_experts_per_tok", integer("expert_used_count"));
    json.put("moe_intermediate_size", integer("expert_feed_forward_length"));
    json.put("norm_topk_prob", true);
    json.put("decoder_sparse_step", 1);
    json.putArray("mlp_only_layers");
  }

  private void slidingWindow() {
    if (has("attention.sliding_window")) {
      json.put("sliding_window", integer("attention.sliding_window"));
    } else {
      json.putNull("sliding_window");
    }
  }

  private void gemma() {
    boolean third = architecture == GgufArchitecture.GEMMA3;
    decoder(third ? "Gemma3ForCausalLM" : "Gemma2ForCausalLM");
    json.put("hidden_activation", "gelu_pytorch_tanh");
    json.put("hidden_act", "gelu_pytorch_tanh");
    json.put("sliding_window", integer("attention.sliding_window", third ? 1024 : 4096));
    for (String cap : new String[] {"attn_logit_softcapping", "final_logit_softcapping"}) {
      if (has(cap)) {
        json.put(cap, (float) metadata.number(key(cap)));
      } else if (third) {
        json.putNull(cap);
      } else {
        json.put(cap, cap.startsWith("attn") ? 50f : 30f);
      }
    }
    json.put(
        "query_pre_attn_scalar",
        queryScale(
            architecture,
            layers(),
            integer("embedding_length"),
            heads(metadata, architecture),
            headDim()));
    ArrayNode types = json.putArray("layer_types");
    for (int layer = 0; layer < layers(); layer++) {
      types.add(isFull(architecture, layer) ? "full_attention" : "sliding_attention");
    }
    if (third) {
      ObjectNode rope = json.putObject("rope_parameters");
      rope.set("full_attention", rope("rope.freq_base", 1_000_000));
      rope.putObject("sliding_attention")
          .put("rope_type", "default")
          .put("rope_theta", (float) metadata.number(key("rope.freq_base_swa"), 10_000));
    }
  }

  /** Whether a layer of Gemma sees every token: llama.cpp has the pattern in its code. */
  static boolean isFull(GgufArchitecture architecture, int layer) {
    int every = architecture == GgufArchitecture.GEMMA3 ? 6 : 2;
    return layer % every == every - 1;
  }

  /** Gemma's scores are divided by the root of it: llama.cpp has it in its code. */
  static int queryScale(
      GgufArchitecture architecture, int layers, int hidden, int heads, int headDim) {
    int largest = architecture == GgufArchitecture.GEMMA3 ? GEMMA3_27B_LAYERS : GEMMA2_27B_LAYERS;
    return layers == largest ? hidden / heads : headDim;
  }

  private void gpt2() {
    architectureName("GPT2LMHeadModel");
    json.put("n_embd", integer("embedding_length"));
    json.put("n_layer", layers());
    json.put("n_positions", integer("context_length"));
    json.put("n_inner", integer("feed_forward_length"));
    json.put("n_head", heads(metadata, architecture));
    json.put("layer_norm_epsilon", (float) metadata.number(key("attention.layer_norm_epsilon")));
    json.put("activation_function", "gelu_new");
  }

  private void gptNeox() {
    architectureName("GPTNeoXForCausalLM");
    json.put("hidden_size", integer("embedding_length"));
    json.put("num_hidden_layers", layers());
    json.put("max_position_embeddings", integer("context_length"));
    json.put("intermediate_size", integer("feed_forward_length"));
    json.put("num_attention_heads", heads(metadata, architecture));
    json.put("layer_norm_eps", (float) metadata.number(key("attention.layer_norm_epsilon")));
    json.put("use_parallel_residual", metadata.flag(key("use_parallel_residual"), true));
    json.put("hidden_act", "gelu");
    json.put("attention_bias", gguf.has("blk.0.attn_qkv.bias"));
    json.set("rope_parameters", rope("rope.freq_base", 10_000));
  }

  private ObjectNode rope(String base, int otherwise) {
    ObjectNode rope = JsonNodeFactory.instance.objectNode();
    rope.put("rope_type", "default");
    rope.put("rope_theta", (float) metadata.number(key(base), otherwise));
    int turned = integer("rope.dimension_count", headDim());
    rope.put("partial_rotary_factor", turned / (double) headDim());
    String scaling = "rope.scaling.type";
    // Old files have a factor alone.
    String type =
        metadata.text(
            key(scaling),
            has("rope.scaling.factor") || has("rope.scale_linear") ? "linear" : "none");
    switch (type) {
      case "none" -> {}
      case "linear" -> {
        rope.put("rope_type", "linear");
        rope.put("factor", factor("rope.scale_linear"));
      }
      case "yarn" -> yarn(rope);
      case "longrope" -> {} // the factors below say all
      default -> throw metadata.wrong(key(scaling), "none, linear, yarn or longrope");
    }
    factors(rope);
    return rope;
  }

  private double factor(String oldName) {
    String name = has("rope.scaling.factor") ? "rope.scaling.factor" : oldName;
    return metadata.number(key(name));
  }

  private void yarn(ObjectNode rope) {
    rope.put("rope_type", "yarn");
    rope.put("factor", factor("rope.scaling.factor"));
    rope.put("original_max_position_embeddings", integer("rope.scaling.original_context_length"));
    for (String name : new String[] {"beta_fast", "beta_slow"}) {
      if (has("rope.scaling.yarn_" + name)) {
        rope.put(name, (float) metadata.number(key("rope.scaling.yarn_" + name)));
      }
    }
  }

  /**
   * What the angle of each pair is divided by stands in tensors. transformers knows such numbers as
   * {@code longrope}, one list for short texts and one for long ones.
   */
  private void factors(ObjectNode rope) {
    boolean one = gguf.has("rope_freqs.weight");
    if (!one && !gguf.has("rope_factors_long.weight")) {
      return;
    }
    rope.put("rope_type", "longrope");
    list(rope.putArray("short_factor"), one ? "rope_freqs.weight" : "rope_factors_short.weight");
    list(rope.putArray("long_factor"), one ? "rope_freqs.weight" : "rope_factors_long.weight");
    int original = integer("rope.scaling.original_context_length", integer("context_length"));
    rope.put("original_max_position_embeddings", original);
    json.put("original_max_position_embeddings", original);
    rope.put("factor", integer("context_length") / (double) original);
    rope.put("attention_factor", (float) metadata.number(key("rope.scaling.attn_factor"), 1));
  }

  private void list(ArrayNode list, String name) {
    Tensor factors = gguf.tensor(name);
    float[] values = new float[Math.toIntExact(factors.cols())];
    Layouts.decode(factors, 0, values);
    for (float value : values) {
      list.add(value);
    }
  }
}
