package dev.hone.model.format.gguf;

import dev.hone.model.format.gguf.Change.None;
import dev.hone.model.format.gguf.Change.PlusOne;
import dev.hone.model.format.gguf.Change.RopePairs;
import dev.hone.model.format.gguf.Change.SplitHeads;
import dev.hone.model.format.gguf.Change.Stacked;
import dev.hone.model.format.gguf.Change.Transposed;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * llama.cpp's names of an architecture's tensors beside those of Hugging Face's checkpoints: {@code
 * blk.*.attn_q} is {@code model.layers.*.self_attn.q_proj}, with {@code .weight} or {@code .bias}
 * after either. {@code *} is the number of the block, {@code #} that of an expert. Names of
 * llama.cpp's: {@code gguf-py/gguf/constants.py}.
 */
record Naming(List<Rule> rules) {

  /** Layers under one name in one world and another in the other. */
  record Rule(String gguf, String checkpoint, Change change) {}

  /** A tensor's name in the other world, what must be done to it, and which expert it is. */
  record Match(String name, Change change, int expert) {}

  /** The names of an architecture, and what is done to its rows. */
  static Naming of(GgufArchitecture architecture, int heads, int kvHeads) {
    return switch (architecture) {
      case LLAMA -> decoder(new RopePairs(heads), new RopePairs(kvHeads)).mixtralExperts();
      case QWEN2, QWEN3 -> decoder(new None(), new None());
      case QWEN3MOE -> decoder(new None(), new None()).qwenExperts();
      case PHI3 -> decoder(new None(), new None()).fused();
      case OLMO2 -> decoder(new None(), new None()).normsAfter();
      case GEMMA2, GEMMA3 -> gemma();
      case GPT2 -> gpt2();
      case GPTNEOX -> gptNeox(heads);
    };
  }

  private static Naming decoder(Change query, Change key) {
    Naming names = new Naming(new ArrayList<>());
    names.add("token_embd", "model.embed_tokens");
    names.add("output_norm", "model.norm");
    names.add("output", "lm_head");
    names.add("blk.*.attn_norm", "model.layers.*.input_layernorm");
    names.add("blk.*.attn_q", "model.layers.*.self_attn.q_proj", query);
    names.add("blk.*.attn_k", "model.layers.*.self_attn.k_proj", key);
    names.add("blk.*.attn_v", "model.layers.*.self_attn.v_proj");
    names.add("blk.*.attn_output", "model.layers.*.self_attn.o_proj");
    names.add("blk.*.attn_q_norm", "model.layers.*.self_attn.q_norm");
    names.add("blk.*.attn_k_norm", "model.layers.*.self_attn.k_norm");
    names.add("blk.*.ffn_norm", "model.layers.*.post_attention_layernorm");
    names.add("blk.*.ffn_gate", "model.layers.*.mlp.gate_proj");
    names.add("blk.*.ffn_up", "model.layers.*.mlp.up_proj");
    names.add("blk.*.ffn_down", "model.layers.*.mlp.down_proj");
    return names;
  }

  private Naming mixtralExperts() {
    add("blk.*.ffn_gate_inp", "model.layers.*.block_sparse_moe.gate");
    add("blk.*.ffn_gate_exps", "model.layers.*.block_sparse_moe.experts.#.w1", new Stacked());
    add("blk.*.ffn_down_exps", "model.layers.*.block_sparse_moe.experts.#.w2", new Stacked());
    add("blk.*.ffn_up_exps", "model.layers.*.block_sparse_moe.experts.#.w3", new Stacked());
    return this;
  }

  private Naming qwenExperts() {
    add("blk.*.ffn_gate_inp", "model.layers.*.mlp.gate");
    add("blk.*.ffn_gate_exps", "model.layers.*.mlp.experts.#.gate_proj", new Stacked());
    add("blk.*.ffn_up_exps", "model.layers.*.mlp.experts.#.up_proj", new Stacked());
    add("blk.*.ffn_down_exps", "model.layers.*.mlp.experts.#.down_proj", new Stacked());
    return this;
  }

  private Naming fused() {
    replace("blk.*.ffn_up", "model.layers.*.mlp.gate_up_proj", new None());
    add("blk.*.attn_qkv", "model.layers.*.self_attn.qkv_proj");
    return this;
  }

  private Naming normsAfter() {
    rules.removeIf(
        rule -> rule.gguf.equals("blk.*.attn_norm") || rule.gguf.equals("blk.*.ffn_norm"));
    add("blk.*.post_attention_norm", "model.layers.*.post_attention_layernorm");
    add("blk.*.post_ffw_norm", "model.layers.*.post_feedforward_layernorm");
    return this;
  }

  private static Naming gemma() {
    Naming names = decoder(new None(), new None());
    PlusOne change = new PlusOne();
    names.replace("output_norm", "model.norm", change);
    names.replace("blk.*.attn_norm", "model.layers.*.input_layernorm", change);
    names.replace("blk.*.attn_q_norm", "model.layers.*.self_attn.q_norm", change);
    names.replace("blk.*.attn_k_norm", "model.layers.*.self_attn.k_norm", change);
    names.replace("blk.*.ffn_norm", "model.layers.*.pre_feedforward_layernorm", change);
    names.add("blk.*.post_attention_norm", "model.layers.*.post_attention_layernorm", change);
    names.add("blk.*.post_ffw_norm", "model.layers.*.post_feedforward_layernorm", change);
    return names;
  }

  private static Naming gpt2() {
    Naming names = new Naming(new ArrayList<>());
    names.add("token_embd", "transformer.wte");
    names.add("position_embd", "transformer.wpe");
    names.add("output_norm", "transformer.ln_f");
    names.add("output", "lm_head");
    names.add("blk.*.attn_norm", "transformer.h.*.ln_1");
    names.add("blk.*.attn_qkv", "transformer.h.*.attn.c_attn", new Transposed());
    names.add("blk.*.attn_output", "transformer.h.*.attn.c_proj", new Transposed());
    names.add("blk.*.ffn_norm", "transformer.h.*.ln_2");
    names.add("blk.*.ffn_up", "transformer.h.*.mlp.c_fc", new Transposed());
    names.add("blk.*.ffn_down", "transformer.h.*.mlp.c_proj", new Transposed());
    return names;
  }

  private static Naming gptNeox(int heads) {
    Naming names = new Naming(new ArrayList<>());
    names.add("token_embd", "gpt_neox.embed_in");
    names.add("output_norm", "gpt_neox.final_layer_norm");
    names.add("output", "embed_out");
    names.add("blk.*.attn_norm", "gpt_neox.layers.*.input_layernorm");
    names.add(
        "blk.*.attn_qkv", "gpt_neox.layers.*.attention.query_key_value", new SplitHeads(heads));
    names.add("blk.*.attn_output", "gpt_neox.layers.*.attention.dense");
    names.add("blk.*.ffn_norm", "gpt_neox.layers.*.post_attention_layernorm");
    names.add("blk.*.ffn_up", "gpt_neox.layers.*.mlp.dense_h_to_4h");
    names.add("blk.*.ffn_down", "gpt_neox.layers.*.mlp.dense_4h_to_h");
    return names;
  }

  private void add(String gguf, String checkpoint) {
    add(gguf, checkpoint, new None());
  }

  private void add(String gguf, String checkpoint, Change change) {
    rules.add(new Rule(gguf, checkpoint, change));
  }

  private void replace(String gguf, String checkpoint, Change change) {
    rules.removeIf(rule -> rule.gguf.equals(gguf));
    add(gguf, checkpoint, change);
  }

  /** The checkpoint's name of one of llama.cpp's; of stacked experts with {@code #} in it. */
  Optional<Match> checkpointName(String gguf) {
    return rules.stream()
        .flatMap(rule -> match(gguf, rule.gguf, rule.checkpoint, rule.change).stream())
        .findFirst();
  }

  /** llama.cpp's name of one of a checkpoint's. */
  Optional<Match> ggufName(String checkpoint) {
    return rules.stream()
        .flatMap(rule -> match(checkpoint, rule.checkpoint, rule.gguf, rule.change).stream())
        .findFirst();
  }

  /** Holds a name against a pattern, and puts its numbers into the other. */
  private static Optional<Match> match(String name, String pattern, String other, Change change) {
    int dot = name.lastIndexOf('.');
    String layer = dot < 0 ? name : name.substring(0, dot);
    String ending = dot < 0 ? "" : name.substring(dot);
    if (!ending.equals(".weight") && !ending.equals(".bias")) {
      return Optional.empty();
    }
    String[] have = layer.split("\\.", -1);
    String[] want = pattern.split("\\.", -1);
    if (have.length != want.length) {
      return Optional.empty();
    }
    String block = "";
    int expert = -1;
    for (int i = 0; i < have.length; i++) {
      boolean number = !have[i].isEmpty() && have[i].length() < 6 && isNumber(have[i]);
      if (want[i].equals("*") && number) {
        block = have[i];
      } else if (want[i].equals("#") && number) {
        expert = Integer.parseInt(have[i]);
      } else if (!want[i].equals(have[i])) {
        return Optional.empty();
      }
    }
    // A transposed layer's bias is a vector like any other.
    Change done = change instanceof Transposed && ending.equals(".bias") ? new None() : change;
    return Optional.of(new Match(other.replace("*", block) + ending, done, expert));
  }

  private static boolean isNumber(String text) {
    return text.chars().allMatch(c -> c >= '0' && c <= '9')
        && (text.length() == 1 || text.charAt(0) != '0');
  }
}
