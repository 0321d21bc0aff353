package dev.hone.compress;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Head;
import dev.hone.model.Transformer;
import dev.hone.model.architecture.LayerCount;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.Beside;
import dev.hone.model.format.gguf.GgufModelWriter;
import dev.hone.model.format.gguf.Metadata;
import dev.hone.model.format.gguf.MetadataKind;
import dev.hone.model.format.gguf.MetadataValue;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes what was made of a GGUF file as another, with its tokenizer and what it says of itself.
 */
public final class GgufOutput {
  private static final String FILE = "model.gguf";
  private static final String FILE_TYPE = "general.file_type";

  private GgufOutput() {}

  /**
   * Writes a folder of a GGUF file and {@code hone.json}, in place of one that Hone wrote before.
   *
   * @param source a GGUF file's model
   * @param made what a GGUF file has a place for: {@link Foreseen#requireWritable}
   */
  public static void writeFolder(Model source, Transformer made, ObjectNode provenance, Path target)
      throws IOException {
    Path beside = Files.createDirectory(Beside.of(target));
    try {
      write(source, made, beside.resolve(FILE));
      ModelWriter.writeProvenance(beside, provenance);
      ModelWriter.move(beside, target);
    } finally {
      ModelWriter.delete(beside);
    }
  }

  /** Writes a file. */
  static void write(Model source, Transformer made, Path target) throws IOException {
    GgufModelWriter.write(
        target,
        LayerCount.config(source.config(), source.transformer(), made),
        made,
        keys(source.metadata().orElseThrow(), made));
  }

  /** The tokenizer and what else the original file says of itself, and the type of most weights. */
  private static Map<String, MetadataValue> keys(Metadata original, Transformer made) {
    Map<String, MetadataValue> keys = new LinkedHashMap<>();
    original
        .values()
        .forEach(
            (key, value) -> {
              if (key.startsWith("tokenizer.") || key.startsWith("general.")) {
                keys.put(key, value);
              }
            });
    keys.put(FILE_TYPE, new MetadataValue.Whole(MetadataKind.UINT32, fileType(largest(made))));
    return keys;
  }

  /** The type that most weights have. */
  private static DType largest(Transformer model) {
    Map<DType, Long> bytes = new LinkedHashMap<>();
    model
        .with(new Head.HiddenStates())
        .weights()
        .forEach(w -> bytes.merge(w.tensor().dtype(), w.tensor().size(), Long::sum));
    return bytes.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
  }

  /** {@code llama_ftype} of llama.cpp's {@code llama.h}. */
  private static int fileType(DType type) {
    return switch (type) {
      case Block b ->
          switch (b) {
            case Q4_0 -> 2;
            case Q4_1 -> 3;
            case Q8_0 -> 7;
            case Q5_0 -> 8;
            case Q5_1 -> 9;
            case Q2_K -> 10;
            case Q3_K -> 12;
            case Q4_K -> 15;
            case Q5_K -> 17;
            case Q6_K -> 18;
            case IQ4_NL -> 25;
          };
      case Plain p when p == Plain.F32 -> 0;
      case Plain p when p == Plain.BF16 -> 32;
      case Plain _, DType.Affine _ -> 1;
    };
  }
}
