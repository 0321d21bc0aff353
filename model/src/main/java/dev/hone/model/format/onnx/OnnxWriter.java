package dev.hone.model.format.onnx;

import dev.hone.model.Batch;
import dev.hone.model.Embedding;
import dev.hone.model.Forward;
import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.format.Beside;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.layout.Layouts;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Writes an encoder as an ONNX file, with the inputs and outputs that Hugging Face's exports have:
 *
 * <pre>
 *   input_ids, attention_mask, token_type_ids (of models that know segments)   i64 [batch, sequence]
 *
 *   last_hidden_state    hidden states, and beside sentence_embedding   f32 [batch, sequence, hidden]
 *   logits               labels of texts: f32 [batch, label], of tokens: f32 [batch, sequence, label]
 *   sentence_embedding                                                          f32 [batch, dim]
 * </pre>
 *
 * A batch is padded on the right, with {@code attention_mask} 0 there; what comes out of padding
 * means nothing.
 */
public final class OnnxWriter {
  private static final String BATCH = "batch_size";
  private static final String SEQUENCE = "sequence_length";

  private OnnxWriter() {}

  /**
   * Writes the file. Weights that a message of protobuf cannot hold go to a file beside it, {@code
   * model.onnx_data}.
   *
   * @throws FormatException where the model is no encoder, or has weights or positions that ONNX
   *     has nothing for
   */
  public static void write(Path file, Transformer model) throws IOException {
    write(file, model, GraphWriter.MAX_BYTES);
  }

  static void write(Path file, Transformer model, long mostBytes) throws IOException {
    try (Arena arena = Arena.ofShared()) {
      write(file, graph(widened(model, arena)), mostBytes);
    }
  }

  /** Integers of other widths than ONNX has in the next of those that it has. */
  private static Transformer widened(Transformer model, Arena arena) {
    return model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            return layer.with(Layouts.widened(layer.weight().tensor(), arena));
          }

          @Override
          public Embedding embedding(Role role, Embedding table) {
            return table.with(Layouts.widened(table.weight().tensor(), arena));
          }
        });
  }

  private static void write(Path file, GraphWriter graph, long mostBytes) throws IOException {
    String data = file.getFileName() + "_data";
    Path beside = Beside.of(file);
    Path dataBeside = Beside.of(file.resolveSibling(data));
    try {
      if (graph.sizeBytes() <= mostBytes) {
        try (FileChannel channel = create(beside)) {
          graph.write(channel, null, null);
          channel.force(true);
        }
      } else {
        try (FileChannel channel = create(beside);
            FileChannel numbers = create(dataBeside)) {
          graph.write(channel, numbers, data);
          channel.force(true);
          numbers.force(true);
        }
        Beside.move(dataBeside, file.resolveSibling(data));
      }
      Beside.move(beside, file);
    } finally {
      Files.deleteIfExists(beside);
      Files.deleteIfExists(dataBeside);
    }
  }

  private static FileChannel create(Path file) throws IOException {
    return FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  private static GraphWriter graph(Transformer model) {
    if (model.head() instanceof Head.NextToken) {
      throw new FormatException("ONNX is written of encoders; this model is a decoder: write GGUF");
    }
    GraphWriter graph = new GraphWriter();
    graph.input(Padding.IDS, Plain.I64, BATCH, SEQUENCE);
    graph.input(Padding.MASK, Plain.I64, BATCH, SEQUENCE);
    if (model.embeddings().tokenType().filter(t -> t.entries() > 1).isPresent()) {
      graph.input(OnnxOps.TYPES, Plain.I64, BATCH, SEQUENCE);
    }
    var ops = new OnnxOps(graph, model.embeddings());
    Batch any = Batch.of(List.of(new int[1]));
    Edge hidden = Forward.hidden(model, any, ops);
    Edge answer = Forward.head(model, hidden, any, ops);
    switch (model.head()) {
      case Head.HiddenStates _ -> output(graph, "last_hidden_state", hidden, BATCH, SEQUENCE);
      case Head.SequenceLabels _ -> output(graph, "logits", answer, BATCH);
      case Head.TokenLabels _ -> output(graph, "logits", answer, BATCH, SEQUENCE);
      case Head.SentenceEmbedding _ -> {
        output(graph, "last_hidden_state", hidden, BATCH, SEQUENCE);
        output(graph, "sentence_embedding", answer, BATCH);
      }
      case Head.NextToken _ -> throw new AssertionError("refused above");
    }
    return graph;
  }

  private static void output(GraphWriter graph, String name, Edge edge, String... dims) {
    graph.node("Identity", "/" + name, List.of(edge.name()), name);
    Object[] all = java.util.Arrays.copyOf(dims, dims.length + 1, Object[].class);
    all[dims.length] = edge.cols();
    graph.output(name, Plain.F32, all);
  }
}
