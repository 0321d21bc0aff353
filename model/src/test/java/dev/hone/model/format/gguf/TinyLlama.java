package dev.hone.model.format.gguf;

import dev.hone.model.format.Config;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** A seeded checkpoint of one block, as a Llama or with two experts. */
final class TinyLlama {
  static final String CONFIG =
      """
      {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 1, "vocab_size": 32,
       "max_position_embeddings": 16, "intermediate_size": 96, "num_attention_heads": 4,
       "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "rope_theta": 1e4}
      """;

  /** Llama 3's scaling of RoPE and routed experts. */
  static final String MIXTRAL =
      """
      {"model_type": "mixtral", "hidden_size": 64, "num_hidden_layers": 1, "vocab_size": 32,
       "max_position_embeddings": 16, "intermediate_size": 96, "num_attention_heads": 4,
       "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "num_local_experts": 2,
       "num_experts_per_tok": 1, "rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4,
       "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
       "original_max_position_embeddings": 8}}
      """;

  private TinyLlama() {}

  static Config config(String json) {
    return Config.parse("config.json", json.getBytes(StandardCharsets.UTF_8));
  }

  static Map<String, Tensor> tensors(Arena arena) {
    Map<String, Tensor> tensors = attention(arena);
    String mlp = "model.layers.0.mlp.";
    tensors.put(mlp + "gate_proj.weight", random(arena, 96, 64));
    tensors.put(mlp + "up_proj.weight", random(arena, 96, 64));
    tensors.put(mlp + "down_proj.weight", random(arena, 64, 96));
    return tensors;
  }

  static Map<String, Tensor> mixtral(Arena arena) {
    Map<String, Tensor> tensors = attention(arena);
    String mlp = "model.layers.0.block_sparse_moe.";
    tensors.put(mlp + "gate.weight", random(arena, 2, 64));
    for (int expert = 0; expert < 2; expert++) {
      tensors.put(mlp + "experts." + expert + ".w1.weight", random(arena, 96, 64));
      tensors.put(mlp + "experts." + expert + ".w2.weight", random(arena, 64, 96));
      tensors.put(mlp + "experts." + expert + ".w3.weight", random(arena, 96, 64));
    }
    return tensors;
  }

  private static Map<String, Tensor> attention(Arena arena) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("model.embed_tokens.weight", random(arena, 32, 64));
    tensors.put("model.norm.weight", random(arena, 64));
    String layer = "model.layers.0.";
    tensors.put(layer + "input_layernorm.weight", random(arena, 64));
    tensors.put(layer + "post_attention_layernorm.weight", random(arena, 64));
    tensors.put(layer + "self_attn.q_proj.weight", random(arena, 64, 64));
    tensors.put(layer + "self_attn.k_proj.weight", random(arena, 32, 64));
    tensors.put(layer + "self_attn.v_proj.weight", random(arena, 32, 64));
    tensors.put(layer + "self_attn.o_proj.weight", random(arena, 64, 64));
    return tensors;
  }

  private static Tensor random(Arena arena, long... shape) {
    Tensor tensor = Tensor.allocate(arena, Plain.F32, shape);
    Random random = new Random(shape[0]);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.data().set(Tensor.FLOAT, i * 4, (float) random.nextGaussian());
    }
    return tensor;
  }
}
