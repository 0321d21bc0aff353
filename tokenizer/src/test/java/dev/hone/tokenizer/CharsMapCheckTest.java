package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.TextNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A character map with one entry, A to xyz, is used; one whose links lead elsewhere is refused. */
class CharsMapCheckTest {

  private static final int UNITS = 512;
  private static final int ROOT_OFFSET = 256;
  private static final int NODE = ROOT_OFFSET ^ 'A';
  private static final int NODE_OFFSET = 4;

  @TempDir Path folder;

  @Test
  void aWholeMapIsUsed() throws Exception {
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"version": "1.0", "added_tokens": [], "normalizer":
          {"type": "Precompiled", "precompiled_charsmap": "%s"},
         "model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0, "xyz": 1}}}\
        """
            .formatted(map(NODE_OFFSET, 0, "xyz\0")));
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertThat(tokenizer.encode("A", 8).ids()).containsExactly(1);
      assertThat(tokenizer.encode("B", 8).ids()).containsExactly(0);
    }
  }

  @Test
  void linksAndValuesOutsideAreRefused() {
    refused("not base64!", "base64");
    refused("", "a trie's size");
    refused(Base64.getEncoder().encodeToString(new byte[8]), "a trie within");
    refused(map(1 << 20, 0, "xyz\0"), "links inside the trie|values inside the trie");
    refused(map(NODE_OFFSET, 5, "xyz\0"), "replacements inside the map");
    refused(map(NODE_OFFSET, 1, "\u5317\0"), "begin with a character");
    refused(map(NODE_OFFSET, 0, "x".repeat(300)), "at most 256 bytes");
  }

  private static void refused(String map, String message) {
    JsonField field = new JsonField("t.json", "normalizer.map", TextNode.valueOf(map));
    assertThatThrownBy(() -> CharsMapCheck.check(field))
        .isInstanceOf(TokenizerException.class)
        .hasMessageMatching("(?s).*expected=.*(" + message + ").*");
  }

  /** Root with a child over 'A' that has a value: the place of its replacement. */
  private static String map(int nodeOffset, int replacement, String replacements) {
    int[] units = new int[UNITS];
    units[0] = ROOT_OFFSET << 10;
    units[NODE] = nodeOffset << 10 | 1 << 8 | 'A';
    if ((NODE ^ nodeOffset) < UNITS) {
      units[NODE ^ nodeOffset] = 0x80000000 | replacement;
    }
    byte[] text = replacements.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(Integer.BYTES * (1 + UNITS) + text.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(Integer.BYTES * UNITS);
    for (int unit : units) {
      bytes.putInt(unit);
    }
    return Base64.getEncoder().encodeToString(bytes.put(text).array());
  }
}
