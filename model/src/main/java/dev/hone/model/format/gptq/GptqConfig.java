package dev.hone.model.format.gptq;

import dev.hone.model.format.Config;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a GPTQ or AWQ model says of its numbers, in {@code quantization_config} or in a file beside
 * it. Fields that only tell how they were found say nothing here; those that mean another layout
 * are errors.
 *
 * @param bits of an integer: 2, 3, 4 or 8
 * @param group inputs that share a scale; 0: all of them
 * @param zeroShift what must be added to the zero points as they are stored
 */
record GptqConfig(Packing packing, int bits, int group, int zeroShift) {

  /** How integers lie in words. */
  enum Packing {
    /** Along the inputs. */
    GPTQ,
    /** Along the outputs, eight in a word, even ones before odd ones. */
    AWQ
  }

  private static final int MOST_GROUP = 1 << 20;

  /** Say how the numbers were found, or how others should run them. */
  private static final Set<String> PROVENANCE =
      Set.of(
          "quant_method",
          "amp",
          "autoround_version",
          "backend",
          "batch_size",
          "block_name_to_quantize",
          "cache_block_outputs",
          "damp_auto_increment",
          "damp_percent",
          "dataset",
          "desc_act",
          "act_group_aware",
          "disable_exllama",
          "do_fuse",
          "enable_minmax_tuning",
          "enable_quanted_input",
          "exllama_config",
          "fuse_max_seq_len",
          "gradient_accumulate_steps",
          "iters",
          "lm_head",
          "low_gpu_mem_usage",
          "lr",
          "max_input_length",
          "meta",
          "minmax_lr",
          "model_file_base_name",
          "model_name_or_path",
          "model_seqlen",
          "module_name_preceding_first_block",
          "modules_in_block_to_quantize",
          "modules_to_fuse",
          "modules_to_not_convert",
          "nsamples",
          "pad_token_id",
          "provider",
          "scale_dtype",
          "seqlen",
          "static_groups",
          "sym",
          "to_quant_block_names",
          "tokenizer",
          "true_sequential",
          "use_cuda_fp16",
          "use_exllama",
          "zero_point");

  private static final Set<String> LAYOUT =
      Set.of(
          "bits",
          "w_bit",
          "group_size",
          "q_group_size",
          "checkpoint_format",
          "format",
          "is_marlin_format",
          "pack_dtype",
          "data_type",
          "version",
          "dynamic");

  private static final Set<String> FIELDS =
      Stream.concat(PROVENANCE.stream(), LAYOUT.stream()).collect(Collectors.toUnmodifiableSet());

  static GptqConfig read(Config config, Packing packing) {
    config.refuseOthers(FIELDS);
    config.require("data_type", "int");
    config.require("pack_dtype", "int32");
    if (config.flag("is_marlin_format", false)) {
      throw config.wrong("is_marlin_format", "false (nothing else is supported yet)");
    }
    if (config.object("dynamic").map(d -> !d.json().isEmpty()).orElse(false)) {
      throw config.wrong("dynamic", "empty (layers of different bits are not supported yet)");
    }
    int group = group(config);
    return switch (packing) {
      case GPTQ -> {
        String name = config.has("checkpoint_format") ? "checkpoint_format" : "format";
        String format = config.text(name, "gptq");
        if (!format.equals("gptq") && !format.equals("gptq_v2")) {
          throw config.wrong(name, "gptq or gptq_v2 (nothing else is supported yet)");
        }
        yield new GptqConfig(
            packing, bits(config, 2, 3, 4, 8), group, format.equals("gptq") ? 1 : 0);
      }
      case AWQ -> {
        if (!config.text("version", "gemm").equalsIgnoreCase("gemm")) {
          throw config.wrong("version", "gemm (nothing else is supported yet)");
        }
        yield new GptqConfig(packing, bits(config, 4), group, 0);
      }
    };
  }

  private static int bits(Config config, int... known) {
    String field = config.has("bits") ? "bits" : "w_bit";
    int bits = config.positive(field, 32);
    for (int some : known) {
      if (bits == some) {
        return bits;
      }
    }
    throw config.wrong(field, "one of " + java.util.Arrays.toString(known));
  }

  private static int group(Config config) {
    String field = config.has("group_size") ? "group_size" : "q_group_size";
    int group = config.integer(field, -1);
    if (group != -1 && (group < 2 || group > MOST_GROUP || group % 2 != 0)) {
      throw config.wrong(field, "-1 or an even number up to " + MOST_GROUP);
    }
    return Math.max(group, 0);
  }
}
