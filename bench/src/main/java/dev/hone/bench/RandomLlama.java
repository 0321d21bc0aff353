package dev.hone.bench;

import dev.hone.compress.Provenance;
import dev.hone.hub.Hub;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.gguf.GgufType;
import dev.hone.model.format.gguf.GgufWriter;
import dev.hone.model.format.gguf.GgufWriter.Pending;
import dev.hone.model.format.gguf.MetadataKind;
import dev.hone.model.format.gguf.MetadataValue;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A model in the shape of a published one, with random weights, as a GGUF file: speed does not
 * depend on what the numbers are. Every matrix has the file's type, also the output's.
 *
 * @param tied whether the output matrix is the word table
 */
record RandomLlama(
    String name,
    int hidden,
    int layers,
    int heads,
    int kvHeads,
    int feedForward,
    int vocabulary,
    boolean tied) {
  /** In the shape of TinyLlama. */
  private static final RandomLlama LARGE =
      new RandomLlama("1.1b", 2048, 22, 32, 4, 5632, 32000, false);

  /** In the shape of SmolLM2-135M. */
  private static final RandomLlama SMALL =
      new RandomLlama("135m", 576, 30, 9, 3, 1536, 49152, true);

  private static final int CONTEXT = 2048;
  private static final int SPECIAL = 3;
  private static final int NORMAL_TOKEN = 1;
  private static final int UNKNOWN_TOKEN = 2;
  private static final int CONTROL_TOKEN = 3;
  private static final int BYTE_TOKEN = 6;

  static RandomLlama of(String name) {
    return switch (name) {
      case "1.1b" -> LARGE;
      case "135m" -> SMALL;
      default -> throw new IllegalArgumentException("no such model: " + name + "; 135m, 1.1b");
    };
  }

  /** The same with fewer blocks. */
  RandomLlama shallow(int blocks) {
    return new RandomLlama(
        name + "-" + blocks + "-blocks",
        hidden,
        blocks,
        heads,
        kvHeads,
        feedForward,
        vocabulary,
        tied);
  }

  /** Where such models are kept: in Hone's cache. */
  static Path home() {
    return Hub.system().cache().resolve("bench");
  }

  /** The file in Hone's cache; made where it is not there. */
  Path file(DType type) throws IOException {
    Path folder = home();
    Path file = folder.resolve("random-llama-" + name + "-" + type.label() + ".gguf");
    if (!Files.exists(file)) {
      System.err.println("making " + file);
      Files.createDirectories(folder);
      write(file, type);
    }
    return file;
  }

  /** A folder of safetensors in Hone's cache, with a tokenizer of fewer tokens beside it. */
  Path folder(Plain type, Path tokenizer) throws IOException {
    // In a folder of its own: what stands beside a model's file is taken for the model's.
    Path folder = home().resolve("folders").resolve("random-llama-" + name + "-" + type.label());
    if (!Files.exists(folder)) {
      try (Model model = Model.load(file(type))) {
        System.err.println("making " + folder);
        ModelWriter.write(model, model.transformer(), Provenance.of("random llama"), folder);
      }
    }
    Files.copy(tokenizer, folder.resolve("tokenizer.json"), StandardCopyOption.REPLACE_EXISTING);
    return folder;
  }

  /**
   * Bytes of the weights that one token is multiplied with: all but the word table, unless that is
   * the output matrix too.
   */
  long bytesPerToken(DType type) {
    long bytes = type.rowBytes(hidden) * vocabulary;
    for (var shape : blockShapes().values()) {
      bytes += layers * type.rowBytes(shape[1]) * shape[0];
    }
    return bytes;
  }

  private Map<String, long[]> blockShapes() {
    long keys = hidden / heads * (long) kvHeads;
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("attn_q", new long[] {hidden, hidden});
    shapes.put("attn_k", new long[] {keys, hidden});
    shapes.put("attn_v", new long[] {keys, hidden});
    shapes.put("attn_output", new long[] {hidden, hidden});
    shapes.put("ffn_gate", new long[] {feedForward, hidden});
    shapes.put("ffn_up", new long[] {feedForward, hidden});
    shapes.put("ffn_down", new long[] {hidden, feedForward});
    return shapes;
  }

  private void write(Path file, DType type) throws IOException {
    Map<String, Pending> tensors = new LinkedHashMap<>();
    tensors.put("token_embd.weight", matrix(type, vocabulary, hidden));
    if (!tied) {
      tensors.put("output.weight", matrix(type, vocabulary, hidden));
    }
    tensors.put("output_norm.weight", ones());
    for (int layer = 0; layer < layers; layer++) {
      String block = "blk." + layer + ".";
      tensors.put(block + "attn_norm.weight", ones());
      tensors.put(block + "ffn_norm.weight", ones());
      blockShapes()
          .forEach(
              (matrix, shape) ->
                  tensors.put(block + matrix + ".weight", matrix(type, shape[0], shape[1])));
    }
    GgufWriter.write(file, metadata(), tensors);
  }

  private Pending ones() {
    float[] ones = new float[hidden];
    Arrays.fill(ones, 1);
    return new Pending(
        GgufType.F32, new long[] {hidden}, arena -> Tensor.copyOf(arena, ones, hidden));
  }

  /** Weights under which activations stay as large as they are. */
  private static Pending matrix(DType type, long rows, long cols) {
    return new Pending(
        GgufType.of(type).orElseThrow(),
        new long[] {rows, cols},
        arena -> random(type, rows, cols, arena));
  }

  private static Tensor random(DType type, long rows, long cols, Arena arena) {
    var random = new SplittableRandom(rows * cols);
    Tensor floats = Tensor.allocate(arena, Plain.F32, rows, cols);
    float[] row = new float[(int) cols];
    float range = (float) (2 * Math.sqrt(3.0 / cols));
    for (long r = 0; r < rows; r++) {
      for (int i = 0; i < row.length; i++) {
        row[i] = ((random.nextInt() >> 8) * 0x1p-24f) * range;
      }
      MemorySegment.copy(row, 0, floats.row(r), Tensor.FLOAT, 0, row.length);
    }
    return Layouts.encode(floats, type, arena);
  }

  private Map<String, MetadataValue> metadata() {
    Map<String, MetadataValue> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", GgufWriter.text("llama"));
    metadata.put("general.name", GgufWriter.text("random llama " + name));
    metadata.put("llama.block_count", whole(layers));
    metadata.put("llama.context_length", whole(CONTEXT));
    metadata.put("llama.embedding_length", whole(hidden));
    metadata.put("llama.feed_forward_length", whole(feedForward));
    metadata.put("llama.attention.head_count", whole(heads));
    metadata.put("llama.attention.head_count_kv", whole(kvHeads));
    metadata.put("llama.attention.layer_norm_rms_epsilon", fraction(1e-5));
    metadata.put("llama.rope.dimension_count", whole(hidden / heads));
    metadata.put("llama.rope.freq_base", fraction(1e4));
    metadata.put("tokenizer.ggml.model", GgufWriter.text("llama"));
    metadata.put("tokenizer.ggml.tokens", GgufWriter.texts(tokens()));
    float[] scores = new float[vocabulary];
    int[] kinds = new int[vocabulary];
    for (int token = 0; token < vocabulary; token++) {
      scores[token] = -token;
      kinds[token] = token < SPECIAL + 256 ? BYTE_TOKEN : NORMAL_TOKEN;
    }
    Arrays.fill(kinds, 0, SPECIAL, CONTROL_TOKEN);
    kinds[0] = UNKNOWN_TOKEN;
    metadata.put("tokenizer.ggml.scores", GgufWriter.floats(scores));
    metadata.put("tokenizer.ggml.token_type", GgufWriter.integers(kinds));
    metadata.put("tokenizer.ggml.unknown_token_id", whole(0));
    metadata.put("tokenizer.ggml.bos_token_id", whole(1));
    metadata.put("tokenizer.ggml.eos_token_id", whole(2));
    return metadata;
  }

  /** Without a token for every byte llama.cpp does not load a vocabulary. */
  private List<String> tokens() {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    for (int b = 0; b < 256; b++) {
      tokens.add(String.format(Locale.ROOT, "<0x%02X>", b));
    }
    while (tokens.size() < vocabulary) {
      tokens.add("t" + tokens.size());
    }
    return tokens;
  }

  private static MetadataValue whole(int value) {
    return new MetadataValue.Whole(MetadataKind.UINT32, value);
  }

  private static MetadataValue fraction(double value) {
    return new MetadataValue.Fraction(MetadataKind.FLOAT32, value);
  }
}
