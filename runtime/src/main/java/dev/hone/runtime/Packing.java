package dev.hone.runtime;

import dev.hone.model.Batch;
import dev.hone.tokenizer.Encoding;
import java.util.ArrayList;
import java.util.List;

/** Cuts a list of encoded texts into groups of at most so many tokens, in order. */
final class Packing {
  private Packing() {}

  /**
   * @param budget tokens of a group; a text that is longer by itself gets a group of its own
   */
  static List<List<Encoding>> groups(List<Encoding> texts, long budget) {
    List<List<Encoding>> groups = new ArrayList<>();
    int from = 0;
    long tokens = 0;
    for (int i = 0; i < texts.size(); i++) {
      int size = texts.get(i).size();
      if (i > from && tokens + size > budget) {
        groups.add(texts.subList(from, i));
        from = i;
        tokens = 0;
      }
      tokens += size;
    }
    if (from < texts.size()) {
      groups.add(texts.subList(from, texts.size()));
    }
    return groups;
  }

  /** A group as the model reads it. */
  static Batch batch(List<Encoding> group) {
    return Batch.of(
        group.stream().map(Encoding::ids).toList(), group.stream().map(Encoding::typeIds).toList());
  }
}
