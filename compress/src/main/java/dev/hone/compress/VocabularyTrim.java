package dev.hone.compress;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Embedding;
import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.Tensor;
import dev.hone.tokenizer.Encoding;
import dev.hone.tokenizer.Tokenizer;
import dev.hone.tokenizer.TrimmedTokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Makes a model with the tokens that a user's texts need, and single characters: rows of the word
 * table, and of an output head, are taken as they are, so that answers to these texts stay the same
 * bit by bit. Other texts are cut into more tokens.
 *
 * @param source a folder with a {@code tokenizer.json}
 * @param name of the model, as the user gave it
 * @param target a folder
 */
public record VocabularyTrim(Path source, String name, Path target) {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String CONFIG = "config.json";

  /**
   * What was made.
   *
   * @param bytesBefore of the files of the model's weights
   * @param bytesAfter likewise
   * @param heldOut tokens of the texts held out
   * @param cutOtherwise how many of them are cut otherwise now
   */
  public record Result(
      int tokensBefore,
      int tokensAfter,
      long bytesBefore,
      long bytesAfter,
      long heldOut,
      long cutOtherwise) {}

  /**
   * Makes and writes the model.
   *
   * @param texts that it must read as before, each with every prompt that the model knows
   * @param heldOut others, to tell by how many of their tokens are cut otherwise
   * @throws RecipeException where the model cannot be trimmed
   */
  public Result run(List<String> texts, List<String> heldOut) throws IOException {
    ModelWriter.refuseForeign(target);
    try (Model model = Model.load(source);
        Arena arena = Arena.ofShared()) {
      if (model.metadata().isPresent()) {
        throw new RecipeException(
            source + " is a GGUF file: vocabularies of folders with a tokenizer.json are trimmed");
      }
      try (Tokenizer before = Tokenizer.load(model.encoderFolder())) {
        List<String> read = asRead(model, texts);
        Set<Integer> used = new HashSet<>();
        read.forEach(text -> ids(before, text).forEach(used::add));
        var trimmed = TrimmedTokenizer.of(model.encoderFolder(), used);
        Path made =
            target
                .toAbsolutePath()
                .resolveSibling(
                    "." + target.getFileName() + "-trimmed-" + ProcessHandle.current().pid());
        try {
          Transformer shrunk = shrunk(model, trimmed.kept(), arena);
          ModelWriter.write(model, shrunk, Provenance.of(name), made);
          Path encoder = made.resolve(model.folder().relativize(model.encoderFolder()));
          trimmed.write(encoder);
          rewriteIds(encoder.resolve(CONFIG), trimmed);
          rewriteIds(encoder.resolve("generation_config.json"), trimmed);
          Result result = checked(model, made, encoder, before, trimmed, read, heldOut);
          ModelWriter.move(made, target);
          return result;
        } finally {
          ModelWriter.delete(made);
        }
      }
    }
  }

  /** Texts as the tokenizer gets them. */
  private static List<String> asRead(Model model, List<String> texts) {
    List<String> prompts = new ArrayList<>(model.text().prompts().values());
    prompts.add("");
    List<String> read = new ArrayList<>();
    for (String text : texts) {
      for (String prompt : prompts) {
        String whole = prompt + text;
        read.add(model.text().lowerCase() ? whole.toLowerCase(Locale.ROOT) : whole);
      }
    }
    return read;
  }

  private static List<Integer> ids(Tokenizer tokenizer, String text) {
    return Arrays.stream(tokenizer.encode(text, Tokenizer.UNLIMITED).ids()).boxed().toList();
  }

  private static Transformer shrunk(Model model, int[] kept, Arena arena) {
    Transformer whole = model.transformer();
    Embedding word = whole.embeddings().word();
    if (kept[kept.length - 1] >= word.entries()) {
      throw new RecipeException(
          model.source()
              + ": the tokenizer has a token "
              + kept[kept.length - 1]
              + ", the model "
              + word.entries()
              + ": they belong to different models");
    }
    return whole.map(
        new LayerMap() {
          @Override
          public Embedding embedding(Role role, Embedding table) {
            return role == Role.WORD_EMBEDDING
                ? table.with(rows(table.weight().tensor(), kept, arena))
                : table;
          }

          @Override
          public Linear linear(Role role, Linear layer) {
            if (role != Role.HEAD || !(whole.head() instanceof Head.NextToken)) {
              return layer;
            }
            Weight bias = layer.bias();
            return new Linear(
                layer.weight().with(rows(layer.weight().tensor(), kept, arena)),
                bias == null ? null : bias.with(column(bias.tensor(), kept, arena)),
                layer.input());
          }
        });
  }

  /** Rows of a matrix, as they are. */
  private static Tensor rows(Tensor from, int[] kept, Arena arena) {
    long bytes = from.dtype().rowBytes(from.cols());
    MemorySegment data = arena.allocate(kept.length * bytes, Tensor.ALIGNMENT);
    for (int i = 0; i < kept.length; i++) {
      MemorySegment.copy(from.row(kept[i]), 0, data, i * bytes, bytes);
    }
    if (!(from.dtype() instanceof Affine type)) {
      return Tensor.of(from.dtype(), data, kept.length, from.cols());
    }
    Tensor zeros = from.zeros() == null ? null : rows(from.zeros(), kept, arena);
    Tensor scales = rows(from.scales(), kept, arena);
    Tensor some = Tensor.affine(type, data, kept.length, from.cols(), scales, zeros);
    return from.columnOrder() == null ? some : some.inColumnOrder(from.columnOrder());
  }

  private static Tensor column(Tensor vector, int[] kept, Arena arena) {
    return rows(vector.reshape(vector.size(), 1), kept, arena).reshape(kept.length);
  }

  /** The number of tokens, and the ids of those that have a role. */
  private static void rewriteIds(Path file, TrimmedTokenizer trimmed) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    ObjectNode json = (ObjectNode) JSON.readTree(file.toFile());
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (field.getKey().equals("vocab_size")) {
        field.setValue(IntNode.valueOf(trimmed.kept().length));
      } else if (field.getKey().endsWith("_token_id")) {
        field.setValue(placed(field.getValue(), trimmed));
      }
    }
    Files.writeString(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
  }

  private static JsonNode placed(JsonNode ids, TrimmedTokenizer trimmed) {
    if (ids instanceof ArrayNode list) {
      ArrayNode all = JSON.createArrayNode();
      list.forEach(id -> all.add(placed(id, trimmed)));
      return all;
    }
    return ids.isInt() && ids.asInt() >= 0 ? IntNode.valueOf(trimmed.place(ids.asInt())) : ids;
  }

  private Result checked(
      Model original,
      Path made,
      Path encoder,
      Tokenizer before,
      TrimmedTokenizer trimmed,
      List<String> texts,
      List<String> heldOut) {
    try (Model model = Model.load(made);
        Tokenizer after = Tokenizer.load(encoder)) {
      int first = original.transformer().embeddings().firstPosition();
      if (model.transformer().embeddings().firstPosition() != first) {
        throw new RecipeException(
            source + ": positions are counted from the padding token's id, which would be another");
      }
      for (String text : texts) {
        List<Integer> placed = ids(before, text).stream().map(trimmed::place).toList();
        if (!placed.equals(ids(after, text))) {
          throw new RecipeException(
              source
                  + ": with fewer tokens this text is cut otherwise, as it has a word that is"
                  + " unknown now: leave it out: "
                  + text);
        }
      }
      long tokens = 0;
      long otherwise = 0;
      for (String text : asRead(original, heldOut)) {
        Encoding was = before.encode(text, Tokenizer.UNLIMITED);
        Set<List<Integer>> pieces = pieces(after.encode(text, Tokenizer.UNLIMITED), trimmed.kept());
        tokens += was.size();
        otherwise += pieces(was, null).stream().filter(p -> !pieces.contains(p)).count();
      }
      return new Result(
          original.transformer().embeddings().word().entries(),
          trimmed.kept().length,
          original.weightFileBytes(),
          model.weightFileBytes(),
          tokens,
          otherwise);
    }
  }

  /** Where tokens stand, and which they are by their original ids. */
  private static Set<List<Integer>> pieces(Encoding encoding, int[] kept) {
    Set<List<Integer>> pieces = new HashSet<>();
    for (int i = 0; i < encoding.size(); i++) {
      int id = kept == null ? encoding.id(i) : kept[encoding.id(i)];
      pieces.add(List.of(encoding.start(i), encoding.end(i), id));
    }
    return pieces;
  }
}
