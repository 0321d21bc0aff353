package dev.hone.measure.language;

import dev.hone.measure.Bootstrap;
import dev.hone.model.folder.Model;
import dev.hone.model.format.gguf.GgufModelWriter;
import dev.hone.model.format.gguf.GgufWriter;
import dev.hone.model.format.gguf.MetadataKind;
import dev.hone.model.format.gguf.MetadataValue;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tiny llama of the goldens with a vocabulary of the 256 bytes, so that it reads texts. */
final class ByteModels {
  private ByteModels() {}

  /**
   * Writes it as GGUF.
   *
   * @param begin whether the tokenizer puts token 1 before every text
   */
  static Path write(Path file, boolean begin) throws IOException {
    List<String> tokens = new ArrayList<>();
    for (int b = 0, other = 256; b < 256; b++) {
      // The alphabet of byte-level BPE: printable bytes stand for themselves.
      boolean printable = b > 32 && b < 127 || b > 160 && b != 173;
      tokens.add(Character.toString(printable ? b : other++));
    }
    Map<String, MetadataValue> metadata = new LinkedHashMap<>();
    metadata.put("tokenizer.ggml.model", GgufWriter.text("gpt2"));
    metadata.put("tokenizer.ggml.pre", GgufWriter.text("gpt-2"));
    metadata.put("tokenizer.ggml.tokens", GgufWriter.texts(tokens));
    metadata.put("tokenizer.ggml.merges", GgufWriter.texts(List.of()));
    metadata.put("tokenizer.ggml.bos_token_id", new MetadataValue.Whole(MetadataKind.UINT32, 1));
    metadata.put(
        "tokenizer.ggml.add_bos_token", new MetadataValue.Whole(MetadataKind.BOOL, begin ? 1 : 0));
    try (Model model = Model.load(llama())) {
      GgufModelWriter.write(file, model.config(), model.transformer(), metadata);
    }
    return file;
  }

  private static Path llama() {
    try {
      return Path.of(Bootstrap.class.getResource("goldens/llama").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
