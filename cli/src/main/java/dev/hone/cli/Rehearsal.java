package dev.hone.cli;

import dev.hone.model.format.gguf.GgufWriter;
import dev.hone.model.format.gguf.MetadataKind;
import dev.hone.model.format.gguf.MetadataValue;
import dev.hone.tensor.DType;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs commands once for {@code ./hone}, which keeps the classes that they load as the JVM wants
 * them in memory, so that later starts are quick. It makes the model that it needs: one block,
 * whose weights are all zero.
 */
public final class Rehearsal {
  private static final int VOCABULARY = 288;
  private static final int HIDDEN = 64;

  private Rehearsal() {}

  public static void main(String[] args) throws IOException {
    Path file = Files.createTempFile("hone", ".gguf");
    try {
      writeModel(file);
      var nobody = new PrintWriter(Writer.nullWriter());
      Hone.run(nobody, nobody, "--help");
      String[] generate = {"generate", file.toString(), "fox", "--max-tokens", "3"};
      int code = Hone.run(nobody, nobody, generate);
      String[] chat = {"generate", file.toString(), "a fox", "--chat", "--max-tokens", "3"};
      code += Hone.run(nobody, nobody, chat);
      if (code != 0) {
        throw new IllegalStateException("the rehearsal failed: " + code);
      }
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private static void writeModel(Path file) throws IOException {
    Map<String, MetadataValue> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", GgufWriter.text("llama"));
    metadata.put("llama.block_count", whole(1));
    metadata.put("llama.context_length", whole(64));
    metadata.put("llama.embedding_length", whole(HIDDEN));
    metadata.put("llama.feed_forward_length", whole(HIDDEN));
    metadata.put("llama.attention.head_count", whole(2));
    metadata.put("llama.attention.head_count_kv", whole(1));
    metadata.put("llama.attention.layer_norm_rms_epsilon", fraction(1e-5));
    metadata.put("llama.rope.freq_base", fraction(1e4));
    metadata.put("tokenizer.ggml.model", GgufWriter.text("gpt2"));
    metadata.put("tokenizer.ggml.pre", GgufWriter.text("smollm"));
    metadata.put("tokenizer.ggml.tokens", GgufWriter.texts(tokens()));
    metadata.put("tokenizer.ggml.merges", GgufWriter.texts(List.of("f o", "fo x")));
    metadata.put(
        "tokenizer.chat_template",
        GgufWriter.text(
            "{% for m in messages %}{{ m['role'] + m['content'] | trim }}{% endfor %}"));
    try (Arena arena = Arena.ofConfined()) {
      Map<String, GgufWriter.Pending> tensors = new LinkedHashMap<>();
      matrix(tensors, arena, "token_embd", VOCABULARY, HIDDEN);
      vector(tensors, arena, "output_norm");
      vector(tensors, arena, "blk.0.attn_norm");
      vector(tensors, arena, "blk.0.ffn_norm");
      matrix(tensors, arena, "blk.0.attn_q", HIDDEN, HIDDEN);
      matrix(tensors, arena, "blk.0.attn_k", HIDDEN / 2, HIDDEN);
      matrix(tensors, arena, "blk.0.attn_v", HIDDEN / 2, HIDDEN);
      matrix(tensors, arena, "blk.0.attn_output", HIDDEN, HIDDEN);
      matrix(tensors, arena, "blk.0.ffn_gate", HIDDEN, HIDDEN);
      matrix(tensors, arena, "blk.0.ffn_up", HIDDEN, HIDDEN);
      matrix(tensors, arena, "blk.0.ffn_down", HIDDEN, HIDDEN);
      GgufWriter.write(file, metadata, tensors);
    }
  }

  /** The alphabet of byte-level BPE, then merged tokens, then names that fill the rest. */
  private static List<String> tokens() {
    List<String> tokens = new ArrayList<>();
    for (int b = 0, other = 256; b < 256; b++) {
      boolean printable = b > 32 && b < 127 || b > 160 && b != 173;
      tokens.add(Character.toString(printable ? b : other++));
    }
    tokens.add("fo");
    tokens.add("fox");
    while (tokens.size() < VOCABULARY) {
      tokens.add("<" + tokens.size() + ">");
    }
    return tokens;
  }

  private static MetadataValue whole(int value) {
    return new MetadataValue.Whole(MetadataKind.UINT32, value);
  }

  private static MetadataValue fraction(double value) {
    return new MetadataValue.Fraction(MetadataKind.FLOAT32, value);
  }

  private static void matrix(
      Map<String, GgufWriter.Pending> tensors, Arena arena, String name, long rows, long cols) {
    Tensor zeros = Tensor.allocate(arena, DType.Block.Q8_0, rows, cols);
    tensors.put(name + ".weight", GgufWriter.Pending.of(zeros));
  }

  private static void vector(Map<String, GgufWriter.Pending> tensors, Arena arena, String name) {
    Tensor zeros = Tensor.allocate(arena, DType.Plain.F32, HIDDEN);
    tensors.put(name + ".weight", GgufWriter.Pending.of(zeros));
  }
}
