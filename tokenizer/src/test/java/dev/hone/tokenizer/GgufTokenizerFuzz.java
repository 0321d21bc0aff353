package dev.hone.tokenizer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A Jazzer target: whatever a GGUF file says of its tokenizer is one that encodes and decodes, or a
 * {@link TokenizerException}. Bytes choose the fields, so that most inputs come past the first
 * check; the file around them is fuzzed where it is read.
 */
public final class GgufTokenizerFuzz {
  private static final String TEXT = "Hello <s> wörld 北京 12's\0 😀 ";
  private static final String[] MODELS = {"gpt2", "llama", "bert", "none"};
  private static final String[] PRE = {"gpt-2", "llama-bpe", "qwen2", "smollm", "default"};
  private static final String[] ROLES = {"bos", "eos", "unk", "sep", "pad", "cls", "mask"};

  private GgufTokenizerFuzz() {}

  public static void fuzzerTestOneInput(byte[] bytes) {
    try (Tokenizer tokenizer = Tokenizer.of(new Choices(ByteBuffer.wrap(bytes)).vocabulary())) {
      tokenizer.decode(tokenizer.encode(TEXT, Tokenizer.UNLIMITED).ids(), true);
      tokenizer.encodeAlone(TEXT);
    } catch (TokenizerException e) {
      // What a damaged file deserves.
    }
  }

  /** What bytes choose, one after the other; zeros where they end. */
  private record Choices(ByteBuffer bytes) {

    GgufVocabulary vocabulary() {
      String model = MODELS[below(MODELS.length)];
      int pre = below(PRE.length + 1);
      List<String> tokens = new ArrayList<>();
      if (below(4) > 0) { // what byte-level BPE and WordPiece must have
        for (char c = '!'; c <= '~'; c++) {
          tokens.add(String.valueOf(c));
        }
        tokens.addAll(List.of("[UNK]", "[CLS]", "[SEP]", "▁", "Ġ", "Ċ", "<0x0A>"));
      }
      int more = below(40);
      for (int i = 0; i < more; i++) {
        tokens.add(text());
      }
      int[] types = new int[below(2) * tokens.size()];
      for (int i = 0; i < types.length; i++) {
        types[i] = below(8);
      }
      float[] scores = new float[below(2) * tokens.size()];
      for (int i = 0; i < scores.length; i++) {
        scores[i] = below(16) == 0 ? Float.intBitsToFloat(below(256) << 24) : -i;
      }
      List<String> merges = new ArrayList<>();
      for (int i = below(20); i > 0; i--) {
        merges.add(
            tokens.isEmpty() || below(8) == 0
                ? text()
                : tokens.get(below(tokens.size())) + " " + tokens.get(below(tokens.size())));
      }
      Map<String, Integer> roles = new HashMap<>();
      for (String role : ROLES) {
        if (below(2) == 1) {
          roles.put(role, below(256));
        }
      }
      return new GgufVocabulary(
          "fuzz.gguf",
          "",
          model,
          pre < PRE.length ? PRE[pre] : text(),
          tokens,
          types,
          scores,
          merges,
          roles,
          flag(),
          flag(),
          flag());
    }

    private int below(int end) {
      return bytes.hasRemaining() ? Byte.toUnsignedInt(bytes.get()) % end : 0;
    }

    private Optional<Boolean> flag() {
      int choice = below(3);
      return choice == 2 ? Optional.empty() : Optional.of(choice == 1);
    }

    private String text() {
      byte[] some = new byte[Math.min(below(8), bytes.remaining())];
      bytes.get(some);
      return new String(some, StandardCharsets.UTF_8);
    }
  }
}
