package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * 20,000 damaged tokenizers: each loads and encodes, or says what is wrong; the JVM outlives them
 * all.
 */
class HostileFilesTest {

  private static final int MUTATIONS = 20_000;
  private static final long SEED = 20261123;
  private static final String TEXT = "Hello [MASK] wörld \u5317\u4eac 12's\u0000 \ud83d\ude00 ";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  @Test
  void damagedBytesAreReadOrRefused() throws IOException {
    byte[] whole = resource("wordpiece.json");
    int refused = 0;
    for (int k = 0; k < MUTATIONS / 2; k++) {
      RandomGenerator random = random(k);
      refused += isRefused("tokenizer.json", damaged(whole, random)) ? 1 : 0;
    }
    assertThat(refused).isBetween(MUTATIONS / 8, MUTATIONS / 2 - 1);
  }

  @Test
  void wrongValuesInRightJsonAreReadOrRefused() throws IOException {
    JsonNode wordPiece = JSON.readTree(resource("wordpiece.json"));
    List<JsonNode> strangers = strangers();
    int refused = 0;
    for (int k = 0; k < MUTATIONS / 2; k++) {
      RandomGenerator random = random(k);
      ObjectNode json = wordPiece.deepCopy();
      for (int n = random.nextInt(1, 4); n > 0; n--) {
        replaceOne(json, strangers, random);
      }
      refused += isRefused("tokenizer.json", JSON.writeValueAsBytes(json)) ? 1 : 0;
    }
    assertThat(refused).isBetween(MUTATIONS / 8, MUTATIONS / 2 - 1);
  }

  @Test
  void damagedVocabulariesAreReadOrRefused() throws IOException {
    StringBuilder lines = new StringBuilder();
    JSON.readTree(resource("wordpiece.json"))
        .at("/model/vocab")
        .fieldNames()
        .forEachRemaining(token -> lines.append(token).append('\n'));
    byte[] whole = lines.toString().getBytes(StandardCharsets.UTF_8);
    int refused = 0;
    for (int k = 0; k < MUTATIONS / 10; k++) {
      refused += isRefused("vocab.txt", damaged(whole, random(k))) ? 1 : 0;
    }
    assertThat(refused).isPositive();
  }

  /** Whether the tokenizer was refused as it should be; what loads must encode and decode. */
  private boolean isRefused(String file, byte[] bytes) throws IOException {
    Files.write(folder.resolve(file), bytes);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      Encoding encoding = tokenizer.encode(TEXT, 16);
      assertThat(tokenizer.encodePair(TEXT, TEXT, 16).size()).isLessThanOrEqualTo(16);
      assertThat(tokenizer.decode(encoding.ids(), true)).isNotNull();
      return false;
    } catch (TokenizerException e) {
      assertThat(e).hasMessageContaining(file);
      return true;
    }
  }

  private static byte[] damaged(byte[] whole, RandomGenerator random) {
    byte[] bytes = whole.clone();
    for (int n = random.nextInt(1, 4); n > 0; n--) {
      int from = random.nextInt(bytes.length);
      int length = Math.min(random.nextInt(1, 40), bytes.length - from);
      switch (random.nextInt(5)) {
        case 0 -> bytes[from] = (byte) random.nextInt(256);
        case 1 -> bytes = Arrays.copyOf(bytes, Math.max(1, from));
        case 2 ->
            System.arraycopy(bytes, random.nextInt(bytes.length - length + 1), bytes, from, length);
        case 3 -> { // digits for digits
          for (int i = from; i < from + length; i++) {
            bytes[i] = Character.isDigit(bytes[i]) ? (byte) ('0' + random.nextInt(10)) : bytes[i];
          }
        }
        default -> { // a piece taken out
          System.arraycopy(bytes, from + length, bytes, from, bytes.length - from - length);
          bytes = Arrays.copyOf(bytes, Math.max(1, bytes.length - length));
        }
      }
    }
    return bytes;
  }

  /**
   * Puts a stranger, or another part of the file, in the place of a random value, or takes it out.
   */
  private static void replaceOne(
      ObjectNode json, List<JsonNode> strangers, RandomGenerator random) {
    List<JsonNode> parents = new ArrayList<>();
    List<JsonNode> nodes = new ArrayList<>(strangers);
    collect(json, parents, nodes);
    JsonNode value = nodes.get(random.nextInt(nodes.size())).deepCopy();
    // the vocabulary is most of the file: half of the damage goes elsewhere
    List<JsonNode> small = parents.stream().filter(node -> node.size() < 20).toList();
    JsonNode parent =
        random.nextBoolean()
            ? small.get(random.nextInt(small.size()))
            : parents.get(random.nextInt(parents.size()));
    int index = random.nextInt(parent.size());
    boolean remove = random.nextInt(6) == 0;
    if (parent instanceof ArrayNode array) {
      if (remove) {
        array.remove(index);
      } else {
        array.set(index, value);
      }
    } else {
      List<String> names = new ArrayList<>();
      parent.fieldNames().forEachRemaining(names::add);
      if (remove) {
        ((ObjectNode) parent).remove(names.get(index));
      } else {
        ((ObjectNode) parent).set(names.get(index), value);
      }
    }
  }

  private static void collect(JsonNode node, List<JsonNode> parents, List<JsonNode> nodes) {
    nodes.add(node);
    if (node.isContainerNode() && !node.isEmpty()) {
      parents.add(node);
      node.forEach(child -> collect(child, parents, nodes));
    }
  }

  private static List<JsonNode> strangers() throws IOException {
    List<JsonNode> strangers = new ArrayList<>();
    for (String line : new String(resource("strangers.txt"), StandardCharsets.UTF_8).split("\n")) {
      strangers.add(JSON.readTree(line));
    }
    return strangers;
  }

  private static RandomGenerator random(int k) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(SEED + k);
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = HostileFilesTest.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    }
  }
}
