package dev.hone.measure;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.hone.model.Batch;
import dev.hone.model.Forward;
import dev.hone.model.Transformer;
import dev.hone.model.cost.CostOps;
import dev.hone.model.cost.Part;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a model costs on texts of one length, counted from its records without running it.
 * Activations are what a part hands on, all blocks together, in F32: kernels that work block by
 * block never hold all scores of a long text at once.
 *
 * @param batch texts
 * @param length tokens of each
 */
public record Cost(int batch, int length, List<PartCost> parts) {

  /** How something grows with the length of a text. */
  public enum Growth {
    NOT,
    LINEARLY,
    /** With the square of the length. */
    QUADRATICALLY;

    @JsonValue
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * What one part costs.
   *
   * @param share of all operations
   * @param grows the operations, or the activations where there are none, with the length
   */
  public record PartCost(
      Part part,
      long operations,
      double share,
      long weightBytes,
      long activationBytes,
      Growth grows) {}

  /** Counts a model's work on a batch of texts of one length. */
  public static Cost of(Transformer model, int batch, int length) {
    int max = model.embeddings().maxTokens();
    if (batch < 1 || length < 1 || length > max) {
      throw new IllegalArgumentException(
          "batch="
              + batch
              + ", length="
              + length
              + ": batch must be at least 1, length from 1 to "
              + max);
    }
    var here = count(model, batch, length);
    var next = count(model, batch, length + 1);
    var afterNext = count(model, batch, length + 2);
    long all = here.values().stream().mapToLong(CostOps.Counter::operations).sum();
    var parts = new ArrayList<PartCost>();
    here.forEach(
        (part, c) ->
            parts.add(
                new PartCost(
                    part,
                    c.operations(),
                    (double) c.operations() / all,
                    c.weightBytes(),
                    c.activationBytes(),
                    growth(work(c), work(next.get(part)), work(afterNext.get(part))))));
    return new Cost(batch, length, Collections.unmodifiableList(parts));
  }

  public long operations() {
    return parts.stream().mapToLong(PartCost::operations).sum();
  }

  public long weightBytes() {
    return parts.stream().mapToLong(PartCost::weightBytes).sum();
  }

  public long activationBytes() {
    return parts.stream().mapToLong(PartCost::activationBytes).sum();
  }

  /** The parts as a table for a terminal, with their sum below. */
  public TextTable table() {
    var table =
        new TextTable(
            List.of("part", "operations", "share", "weights", "activations", "grows with length"),
            "lrrrrl");
    for (PartCost part : parts) {
      table.row(
          part.part().label(),
          Units.count(part.operations()),
          Units.percent(part.share()),
          Units.bytes(part.weightBytes()),
          Units.bytes(part.activationBytes()),
          part.grows().label());
    }
    return table.row(
        "all",
        Units.count(operations()),
        Units.percent(1),
        Units.bytes(weightBytes()),
        Units.bytes(activationBytes()),
        "");
  }

  private static Map<Part, CostOps.Counter> count(Transformer model, int batch, int length) {
    var ops = new CostOps(model);
    Forward.run(model, Batch.of(Collections.nCopies(batch, new int[length])), ops);
    return ops.counters();
  }

  private static long work(CostOps.Counter counter) {
    return counter.operations() > 0 ? counter.operations() : counter.activationBytes();
  }

  /**
   * Every cost is a polynomial of the length of at most second degree: three values tell its
   * degree.
   */
  private static Growth growth(long at, long next, long afterNext) {
    if (afterNext - next != next - at) {
      return Growth.QUADRATICALLY;
    }
    return next == at ? Growth.NOT : Growth.LINEARLY;
  }
}
