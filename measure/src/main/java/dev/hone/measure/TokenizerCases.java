package dev.hone.measure;

import dev.hone.model.format.FormatException;
import dev.hone.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Texts and the ids that they must become, as llama.cpp keeps them beside its vocabularies: {@code
 * NAME.inp} with lines of {@code __ggml_vocab_test__} between the texts, and {@code NAME.out} with
 * a line of ids for each, without the tokens of a template.
 */
public final class TokenizerCases {
  /** What the file of the texts is called. */
  public static final String ENDING = ".inp";

  private static final String BETWEEN = "\n__ggml_vocab_test__\n";

  private TokenizerCases() {}

  /** A text whose ids are others than they must be, and the ids. */
  public record Case(int number, String text, int[] expected, int[] found) {
    /** Whether they are the same. */
    public boolean agrees() {
      return Arrays.equals(expected, found);
    }
  }

  /** Encodes every text of a file. */
  public static List<Case> compare(Tokenizer tokenizer, Path texts) {
    String file = texts.toString();
    Path ids = Path.of(file.substring(0, file.length() - ENDING.length()) + ".out");
    List<String> lines;
    String[] cases;
    try {
      cases = Files.readString(texts).split(BETWEEN, -1);
      lines = Files.readAllLines(ids);
    } catch (IOException e) {
      throw new FormatException(
          "tokenizer cases cannot be read: "
              + e.getMessage()
              + "; wanted are "
              + texts
              + " and "
              + ids,
          e);
    }
    if (lines.isEmpty() || cases.length < lines.size()) {
      throw new FormatException(
          texts
              + " holds "
              + cases.length
              + " texts, "
              + ids
              + " "
              + lines.size()
              + " lines of ids");
    }
    List<Case> compared = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      compared.add(
          new Case(i, cases[i], numbers(ids, lines.get(i)), tokenizer.encodeAlone(cases[i])));
    }
    return compared;
  }

  private static int[] numbers(Path file, String line) {
    try {
      return Arrays.stream(line.split(" "))
          .filter(id -> !id.isBlank())
          .mapToInt(id -> Integer.parseInt(id.trim()))
          .toArray();
    } catch (NumberFormatException e) {
      throw new FormatException(file + ": no line of ids: " + line, e);
    }
  }
}
