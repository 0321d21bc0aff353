package dev.hone.model;

import java.util.List;

/** The layers that make queries, keys and values of a token's vector. */
public sealed interface Projections {

  /**
   * One layer each.
   *
   * @param query [heads * headDim, hidden]
   * @param key [kvHeads * headDim, hidden]
   * @param value [kvHeads * headDim, hidden]
   */
  record Separate(Linear query, Linear key, Linear value) implements Projections {}

  /**
   * One layer for all three.
   *
   * @param all [(heads + 2 kvHeads) * headDim, hidden]
   */
  record Fused(Linear all, Order order) implements Projections {}

  /** In which order a fused layer has its rows. */
  enum Order {
    /** All queries, all keys, all values. */
    QUERIES_KEYS_VALUES,
    /** Query, key and value of the first head, then of the next: as many key heads as heads. */
    BY_HEAD
  }

  /** The layers, in the order of the checkpoint. */
  default List<Linear> layers() {
    return switch (this) {
      case Separate s -> List.of(s.query(), s.key(), s.value());
      case Fused fused -> List.of(fused.all());
    };
  }
}
