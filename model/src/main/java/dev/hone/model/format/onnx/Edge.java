package dev.hone.model.format.onnx;

/**
 * A value that one node makes and others read: {@code [batch, sequence, cols]}, or {@code [batch,
 * cols]} once a sequence has become one vector.
 */
record Edge(String name, long cols) {}
