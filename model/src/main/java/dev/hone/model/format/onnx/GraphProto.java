package dev.hone.model.format.onnx;

import dev.hone.model.format.FormatException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What of an ONNX file's graph its weights can be told by. Field numbers: {@code onnx.proto},
 * messages ModelProto and GraphProto.
 *
 * @param nodes in topological order, as the specification promises
 * @param tensors initializers and values of Constant nodes, by name
 */
record GraphProto(List<NodeProto> nodes, Map<String, TensorProto> tensors) {
  private static final int MODEL_GRAPH = 7;
  private static final int NODE = 1;
  private static final int INITIALIZER = 5;
  private static final int SPARSE_INITIALIZER = 15;

  static GraphProto read(String file, MemorySegment bytes) {
    GraphProto graph = new GraphProto(new ArrayList<>(), new LinkedHashMap<>());
    Fields model = new Fields(file, "model", bytes, 0);
    int[] edges = {0};
    while (model.next()) {
      if (model.number() == MODEL_GRAPH) {
        graph.add(file, model.message("graph"), edges);
      }
    }
    if (graph.nodes.isEmpty()) {
      throw new FormatException(
          file + ": graph.node is empty; this is not the ONNX file of a model");
    }
    return graph;
  }

  private void add(String file, Fields fields, int[] edges) {
    while (fields.next()) {
      switch (fields.number()) {
        case NODE -> {
          NodeProto node = NodeProto.read(file, fields.message("node"));
          edges[0] += node.inputs().size() + node.outputs().size();
          OnnxLimits.check(fields, "nodes", nodes.size(), OnnxLimits.NODES);
          OnnxLimits.check(fields, "inputs and outputs", edges[0], OnnxLimits.EDGES);
          nodes.add(node);
          NodeProto.Attribute value = node.attributes().get("value");
          if (node.op().equals("Constant") && value != null && value.tensor() != null) {
            define(fields, node.output(), value.tensor());
          }
        }
        case INITIALIZER -> {
          TensorProto tensor = TensorProto.read(file, fields.message("initializer"));
          define(fields, tensor.name(), tensor);
        }
        case SPARSE_INITIALIZER -> throw fields.error("sparse initializers are not supported");
        default -> {}
      }
    }
  }

  private void define(Fields fields, String name, TensorProto tensor) {
    OnnxLimits.check(fields, "tensors", tensors.size(), OnnxLimits.TENSORS);
    tensor.name(name);
    if (tensors.put(name, tensor) != null) {
      throw fields.error("tensor=" + name + " stands twice");
    }
  }
}
