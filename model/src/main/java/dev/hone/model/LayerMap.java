package dev.hone.model;

/** What becomes of every layer when a {@link Transformer} is mapped; by default nothing changes. */
public interface LayerMap {
  default Linear linear(Role role, Linear layer) {
    return layer;
  }

  default Embedding embedding(Role role, Embedding table) {
    return table;
  }

  default Norm norm(Norm norm) {
    return norm;
  }

  default Position position(Position position) {
    return position;
  }
}
