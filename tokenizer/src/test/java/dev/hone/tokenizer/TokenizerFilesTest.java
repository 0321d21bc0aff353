package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How files become a tokenizer, and which error names which field. */
class TokenizerFilesTest {

  private static final String VOCABULARY = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##able\nÜ\nu\n\u5317\n";

  @TempDir Path folder;

  @Test
  void aVocabularyAloneIsAnUncasedBert() throws IOException {
    write("vocab.txt", VOCABULARY);
    assertThat(ids("UNABLE \u00dc")).containsExactly(2, 4, 5, 7, 3);
    assertThat(ids("x")).containsExactly(2, 1, 3);
  }

  @Test
  void tokenizerConfigSaysHowAVocabularyIsUsed() throws IOException {
    write("vocab.txt", VOCABULARY.replace("[CLS]", "<s>").replace("\n", "\r\n"));
    write(
        "tokenizer_config.json",
        """
        {"do_lower_case": false, "cls_token": {"content": "<s>", "lstrip": false},
         "model_max_length": 1000000000000000019884624838656}\
        """);
    assertThat(ids("unable \u00dc UN")).containsExactly(2, 4, 5, 6, 1, 3);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertThat(tokenizer.modelMaxTokens()).isEmpty();
      assertThat(tokenizer.specialTokenRoles()).containsEntry("cls", "<s>");
    }
    write(
        "tokenizer_config.json",
        "{\"model_max_length\": 512, \"cls_token\": \"<s>\", \"strip_accents\": true}");
    assertThat(ids("\u00dc")).containsExactly(2, 7, 3);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertThat(tokenizer.modelMaxTokens()).hasValue(512);
    }
    write("tokenizer_config.json", "{\"do_lower_case\": \"yes\", \"cls_token\": \"<s>\"}");
    refused("tokenizer_config.json, field=do_lower_case, expected=true or false, found=\"yes\"");
  }

  @Test
  void paddingAndTruncationOfTheFileAreNotApplied() throws IOException {
    edit(
        json -> {
          json.putObject("truncation")
              .put("direction", "Right")
              .put("max_length", 3)
              .put("strategy", "LongestFirst")
              .put("stride", 0);
          json.putObject("padding")
              .put("direction", "Right")
              .put("pad_id", 0)
              .put("pad_type_id", 0)
              .put("pad_token", "[PAD]")
              .putNull("pad_to_multiple_of")
              .putObject("strategy")
              .put("Fixed", 128);
        });
    assertThat(ids("a b c d")).hasSize(6);
  }

  @Test
  void anOldFileWithoutTheModelsTypeIsRead() throws IOException {
    edit(json -> ((ObjectNode) json.get("model")).remove("type"));
    assertThat(ids("a b c d")).hasSize(6);
  }

  @Test
  void errorsNameFileAndField() throws IOException {
    refused("neither tokenizer.json nor vocab.txt in folder=" + folder);
    write("vocab.txt", "one\ntwo\n");
    refused("vocab.txt, missing token=[UNK]");
    write("tokenizer.json", "{\"model\": ");
    refused("Not valid JSON: file=" + folder.resolve("tokenizer.json"));
    write("tokenizer.json", "[]");
    refused("Not a JSON object");
    write("tokenizer.json", "{\"a\":".repeat(100) + "1" + "}".repeat(100));
    refused("nesting depth");
    refused(
        "model.vocab.[CLS], expected=a whole number from 0", json -> vocab(json).put("[CLS]", -2));
    refused("field=model.unk_token", json -> model(json).put("unk_token", "[NO]"));
    refused("field=model.type, expected=WordPiece", json -> model(json).put("type", "Char"));
    refused("field=normalizer.type", json -> json.putObject("normalizer").put("type", "Rot13"));
    refused(
        "added_tokens[0].id, expected=0",
        json -> ((ObjectNode) json.at("/added_tokens/0")).put("id", 7));
    refused(
        "post_processor.single[0].SpecialToken.id, expected=one of special_tokens",
        json -> ((ObjectNode) json.at("/post_processor/single/0/SpecialToken")).put("id", "[NO]"));
    refused(
        "post_processor.pair, expected=each text once",
        json -> ((ObjectNode) json.at("/post_processor/pair/3/Sequence")).put("id", "A"));
    refused("Tokenizer refused by the tokenizers library: file=", json -> json.put("version", "9"));
  }

  private void refused(String message, Consumer<ObjectNode> damage) throws IOException {
    edit(damage);
    refused(message);
  }

  private void refused(String message) {
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining(message);
  }

  private static ObjectNode model(ObjectNode json) {
    return (ObjectNode) json.get("model");
  }

  private static ObjectNode vocab(ObjectNode json) {
    return (ObjectNode) json.at("/model/vocab");
  }

  private void edit(Consumer<ObjectNode> edit) throws IOException {
    try (InputStream in = TokenizerFilesTest.class.getResourceAsStream("wordpiece.json")) {
      ObjectNode json = (ObjectNode) new ObjectMapper().readTree(in);
      edit.accept(json);
      write("tokenizer.json", json.toString());
    }
  }

  private int[] ids(String text) {
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      return tokenizer.encode(text, Tokenizer.UNLIMITED).ids();
    }
  }

  private void write(String name, String content) throws IOException {
    Files.writeString(folder.resolve(name), content);
  }
}
