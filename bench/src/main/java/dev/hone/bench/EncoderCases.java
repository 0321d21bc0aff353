package dev.hone.bench;

import dev.hone.tokenizer.Encoding;
import dev.hone.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** What both sides run: token ids in batches. Names say {@code batch x tokens}. */
final class EncoderCases {
  private static final int BATCH = 32;
  private static final int SENTENCES = 256;

  private EncoderCases() {}

  /** Batches of sequences of token ids, by the case's name. */
  static Map<String, List<List<int[]>>> of(Tokenizer tokenizer, Path stsb) throws IOException {
    var cases = new LinkedHashMap<String, List<List<int[]>>>();
    cases.put("32x128", List.of(random(32, 128)));
    List<int[]> drawn = drawn(tokenizer, stsb);
    cases.put("stsb-as-drawn", batches(drawn));
    cases.put(
        "stsb-sorted",
        batches(drawn.stream().sorted(Comparator.comparingInt(s -> s.length)).toList()));
    cases.put("1x16", List.of(random(1, 16)));
    cases.put("1x128", List.of(random(1, 128)));
    return cases;
  }

  private static List<int[]> random(int sequences, int tokens) {
    var random = new Random(1);
    var result = new ArrayList<int[]>();
    for (int i = 0; i < sequences; i++) {
      int[] ids = random.ints(tokens, 1000, 30_000).toArray();
      ids[0] = 101;
      ids[tokens - 1] = 102;
      result.add(ids);
    }
    return result;
  }

  /** First and second sentences of STS-B's test set. */
  static List<String> sentences(Path stsb) throws IOException {
    var texts = new ArrayList<String>();
    for (String line : Files.readAllLines(stsb)) {
      String[] columns = line.split("\t");
      texts.add(columns[5]);
      texts.add(columns[6]);
    }
    return texts;
  }

  /** 256 of them, drawn without repetition. */
  private static List<int[]> drawn(Tokenizer tokenizer, Path stsb) throws IOException {
    List<String> texts = sentences(stsb);
    java.util.Collections.shuffle(texts, new Random(1));
    return tokenizer.encodeAll(texts.subList(0, SENTENCES), 256).stream()
        .map(Encoding::ids)
        .toList();
  }

  private static List<List<int[]>> batches(List<int[]> sequences) {
    var batches = new ArrayList<List<int[]>>();
    for (int from = 0; from < sequences.size(); from += BATCH) {
      batches.add(sequences.subList(from, Math.min(from + BATCH, sequences.size())));
    }
    return batches;
  }
}
