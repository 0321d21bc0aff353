package dev.hone.model.format.onnx;

/**
 * The largest sizes that an ONNX file may have, so that a lying one is refused before anything is
 * built.
 */
final class OnnxLimits {
  /** Nodes of a graph; encoders have some thousands. */
  static final int NODES = 1 << 18;

  /** Inputs and outputs of one node; a Concat may have many. */
  static final int NODE_EDGES = 1 << 14;

  /** Inputs and outputs of all nodes together. */
  static final int EDGES = 1 << 20;

  /** Attributes of one node. */
  static final int ATTRIBUTES = 64;

  /** Initializers and constants. */
  static final int TENSORS = 1 << 18;

  /** Dimensions of a tensor. */
  static final int RANK = 8;

  /** Numbers in a tensor. */
  static final long NUMBERS = 1L << 40;

  /** Bytes of a name. */
  static final int TEXT = 1 << 14;

  private OnnxLimits() {}

  /** Refuses one more than the limit. */
  static void check(Fields fields, String what, int count, int limit) {
    if (count >= limit) {
      throw fields.error("more than " + limit + " " + what);
    }
  }
}
