package dev.hone.runtime;

import dev.hone.model.Batch;
import dev.hone.tokenizer.Encoding;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Cuts a list of encoded texts into packed batches of at most so many tokens, in order. */
final class Packing {
  private Packing() {}

  /**
   * @param budget tokens of a batch; a text that is longer by itself gets a batch of its own
   * @param consumer takes each batch as soon as it is packed
   */
  static void pack(List<Encoding> texts, int budget, Consumer<Batch> consumer) {
    List<int[]> ids = new ArrayList<>();
    List<int[]> types = new ArrayList<>();
    int tokens = 0;
    for (Encoding text : texts) {
      if (tokens > 0 && tokens + text.size() > budget) {
        consumer.accept(Batch.of(ids, types));
        ids.clear();
        types.clear();
        tokens = 0;
      }
      ids.add(text.ids());
      types.add(text.typeIds());
      tokens += text.size();
    }
    if (tokens > 0) {
      consumer.accept(Batch.of(ids, types));
    }
  }
}
