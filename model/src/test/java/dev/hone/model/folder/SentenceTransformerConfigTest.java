package dev.hone.model.folder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.Head;
import dev.hone.model.folder.SentenceTransformerConfig.Similarity;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.tensor.Activation;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SentenceTransformerConfigTest {
  private static final String OLD = "sentence_transformers.models.";

  @TempDir Path folder;
  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void isNotThereWithoutModules() {
    assertThat(SentenceTransformerConfig.read(folder, arena)).isEmpty();
  }

  @Test
  void joinsPoolingsInTheOrderOfTheLibrary() throws IOException {
    modules("0_Transformer:Transformer", "1_Pooling:Pooling");
    write(
        "1_Pooling/config.json",
        """
        {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": true,
         "pooling_mode_lasttoken": true, "pooling_mode_cls_token": true, "include_prompt": false}\
        """);
    write(
        "0_Transformer/sentence_bert_config.json",
        "{\"max_seq_length\": 7, \"do_lower_case\": true}");
    var read = read();
    assertThat(read.encoder()).isEqualTo("0_Transformer");
    assertThat(read.head())
        .isEqualTo(
            new Head.SentenceEmbedding(
                List.of(Pooling.CLS, Pooling.MEAN, Pooling.LAST_TOKEN), List.of(), false, 0));
    assertThat(read.hidden()).isEqualTo(8);
    assertThat(read.poolPrompt()).isFalse();
    assertThat(read.lowerCase()).isTrue();
    assertThat(read.maxTokens()).isEqualTo(OptionalInt.of(7));

    write(
        "1_Pooling/config.json",
        "{\"embedding_dimension\": 8, \"pooling_mode\": [\"weightedmean\", \"max\"]}");
    assertThat(read().head().pooling()).containsExactly(Pooling.WEIGHTED_MEAN, Pooling.MAX);
    assertThat(read().poolPrompt()).isTrue();
  }

  @Test
  void readsDenseLayers() throws IOException {
    modules(
        ":Transformer",
        "1_Pooling:Pooling",
        "2_Dense:Dense",
        "3_Dense:Dense",
        "4_Normalize:Normalize");
    write(
        "1_Pooling/config.json",
        "{\"embedding_dimension\": 2, \"pooling_mode\": [\"cls\", \"max\"]}");
    dense("2_Dense", 4, 3, "torch.nn.modules.linear.Identity");
    dense("3_Dense", 3, 5, "torch.nn.modules.activation.ReLU");
    write(
        "config_sentence_transformers.json",
        """
        {"prompts": {"query": "q: ", "none": null}, "default_prompt_name": "query",
         "similarity_fn_name": "dot", "truncate_dim": 4}\
        """);
    var read = read();
    assertThat(read.head().normalize()).isTrue();
    assertThat(read.head().dimensions()).isEqualTo(4);
    assertThat(read.head().dense())
        .extracting(Head.Dense::activation)
        .containsExactly(Activation.NONE, Activation.RELU);
    var second = read.head().dense().get(1).linear();
    assertThat(second.weight().name()).isEqualTo("3_Dense/linear.weight");
    assertThat(second.bias().name()).isEqualTo("3_Dense/linear.bias");
    assertThat(List.of(second.in(), second.out())).containsExactly(3, 5);
    assertThat(read.prompts()).isEqualTo(Map.of("query", "q: ", "none", ""));
    assertThat(read.defaultPrompt()).contains("query");
    assertThat(read.similarity()).isEqualTo(Similarity.DOT);
    write("config_sentence_transformers.json", "{\"truncate_dim\": 6}");
    assertThatThrownBy(this::read)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("truncate_dim=6: the vectors have 5 numbers");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ":Transformer",
        ":Transformer 1_Normalize:Normalize",
        ":Transformer 1_Pooling:Pooling 2_Normalize:Normalize 3_Dense:Dense",
        "1_Pooling:Pooling :Transformer",
        ":Transformer 1_Pooling:Pooling 2_Pooling:Pooling",
      })
  void refusesAnotherOrder(String modules) throws IOException {
    modules(modules.split(" "));
    assertThatThrownBy(this::read)
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll("modules.json", "the modules are");
  }

  @ParameterizedTest
  @ValueSource(strings = {":LSTM", "..:Transformer", "/tmp:Pooling", "a/b:Pooling"})
  void refusesModulesItDoesNotKnow(String module) throws IOException {
    modules(module);
    assertThatThrownBy(this::read)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("modules.json[0]");
  }

  @Test
  void refusesModulesOfOthers() throws IOException {
    write("modules.json", "[{\"path\": \"\", \"type\": \"custom_code.Transformer\"}]");
    assertThatThrownBy(this::read)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("custom_code.Transformer");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "1_Pooling/config.json                | {\"embedding_dimension\": 2, \"pooling_mode\":"
            + " \"median\"}   | pooling_mode must be",
        "1_Pooling/config.json                | {\"embedding_dimension\": 2, \"weights\": 1}       "
            + "         | unknown field weights",
        "1_Pooling/config.json                | {\"pooling_mode\": \"mean\"}                       "
            + "         | word_embedding_dimension is missing",
        "2_Dense/config.json                  | {\"in_features\": 3, \"out_features\": 3}          "
            + "         | in_features must be 2",
        "2_Dense/config.json                  | {\"in_features\": 2, \"out_features\": 4}          "
            + "         | shape=[3, 2]",
        "2_Dense/config.json                  | {\"in_features\": 2, \"out_features\": 3, \"bias\":"
            + " false}  | bias must be true",
        "2_Dense/config.json                  | {\"in_features\": 2, \"out_features\": 3,"
            + " \"use_residual\": true} | use_residual must be false",
        "2_Dense/config.json                  | {\"in_features\": 2, \"out_features\": 3,"
            + " \"activation_function\": \"os.system\"} | os.system",
        "2_Dense/config.json                  | {\"in_features\": 2, \"out_features\": 3,"
            + " \"module_input_name\": \"token_embeddings\"} | module_input_name must be",
        "3_Normalize/config.json              | {\"module_input_name\": \"token_embeddings\"}      "
            + "         | module_input_name must be",
        "sentence_bert_config.json            | {\"max_seq_length\": 0}                            "
            + "         | max_seq_length must be",
        "sentence_bert_config.json            | {\"transformer_task\": \"fill-mask\"}              "
            + "         | transformer_task must be",
        "sentence_bert_config.json            | {\"speed\": 9}                                     "
            + "         | unknown field speed",
        "tokenizer_config.json                | {\"model_max_length\": \"x\"}                      "
            + "         | model_max_length must be",
        "config_sentence_transformers.json    | {\"default_prompt_name\": \"x\"}                   "
            + "         | default_prompt_name must be",
        "config_sentence_transformers.json    | {\"similarity_fn_name\": \"x\"}                    "
            + "         | similarity_fn_name must be",
        "config_sentence_transformers.json    | {\"model_type\": \"SparseEncoder\"}                "
            + "         | model_type must be",
      })
  void namesWhatIsWrong(String file, String json, String message) throws IOException {
    modules(":Transformer", "1_Pooling:Pooling", "2_Dense:Dense", "3_Normalize:Normalize");
    write("1_Pooling/config.json", "{\"embedding_dimension\": 2}");
    dense("2_Dense", 2, 3, "torch.nn.modules.activation.GELU");
    assertThat(read().head().pooling()).containsExactly(Pooling.MEAN);
    write(file, json);
    assertThatThrownBy(this::read)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @Tag("shared")
  @CsvSource({
    "embed-cls,CLS,true,0,0",
    "embed-dense,MEAN,true,24,0",
    "embed-dense-old-form,MEAN,true,24,0",
    "embed-last-token,LAST_TOKEN,true,0,0",
    "embed-max,MAX,false,0,0",
    "embed-mean,MEAN,true,0,0",
    "embed-mean-sqrt,MEAN_SQRT_LEN,false,0,0",
    "embed-prompts,MEAN,true,0,0",
    "embed-truncate-32,MEAN,true,0,32",
    "embed-weighted-mean,WEIGHTED_MEAN,false,0,0",
  })
  void readsWhatTheLibraryWrote(
      String name, Pooling pooling, boolean normalize, int dense, int dimensions) {
    Path published = Path.of(System.getProperty("hone.shared"), "goldens/pipelines", name);
    var read = SentenceTransformerConfig.read(published, arena).orElseThrow();
    assertThat(read.head().pooling()).containsExactly(pooling);
    assertThat(read.head().normalize()).isEqualTo(normalize);
    assertThat(read.head().dimensions()).isEqualTo(dimensions);
    assertThat(read.head().dense()).hasSize(dense == 0 ? 0 : 1);
    read.head().dense().forEach(d -> assertThat(d.linear().out()).isEqualTo(dense));
    assertThat(read.hidden()).isEqualTo(64);
    assertThat(read.maxTokens()).isEqualTo(OptionalInt.of(48));
    assertThat(read.prompts().getOrDefault("query", ""))
        .isEqualTo(name.equals("embed-prompts") ? "query: " : "");
  }

  private SentenceTransformerConfig read() {
    return SentenceTransformerConfig.read(folder, arena).orElseThrow();
  }

  private void modules(String... modules) throws IOException {
    StringBuilder json = new StringBuilder();
    for (String module : modules) {
      String[] parts = module.split(":", 2);
      json.append(json.isEmpty() ? "" : ", ")
          .append(
              "{\"idx\": 0, \"name\": \"0\", \"path\": \"%s\", \"type\": \"%s\"}"
                  .formatted(parts[0], OLD + parts[1]));
    }
    write("modules.json", "[" + json + "]");
  }

  private void dense(String name, int in, int out, String activation) throws IOException {
    write(
        name + "/config.json",
        "{\"in_features\": %d, \"out_features\": %d, \"bias\": true, \"activation_function\": \"%s\"}"
            .formatted(in, out, activation));
    SafetensorsWriter.write(
        folder.resolve(name).resolve("model.safetensors"),
        Map.of(
            "linear.weight", Tensor.copyOf(arena, new float[in * out], out, in),
            "linear.bias", Tensor.copyOf(arena, new float[out], out)),
        Map.of());
  }

  private void write(String file, String text) throws IOException {
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }
}
