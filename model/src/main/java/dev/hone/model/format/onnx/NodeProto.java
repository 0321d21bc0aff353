package dev.hone.model.format.onnx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One operation of an ONNX graph. Field numbers: {@code onnx.proto}, messages NodeProto and
 * AttributeProto.
 *
 * @param module the part of the PyTorch model that it was exported from, as parameters are named
 *     below it: {@code bert.encoder.layer.0.attention.self.query}; null where the file does not
 *     tell
 * @param marks what Hone wrote down about a node: {@link Grids}, {@link RoundedInputs}
 */
record NodeProto(
    String op,
    String domain,
    String name,
    List<String> inputs,
    List<String> outputs,
    Map<String, Attribute> attributes,
    String module,
    Map<String, String> marks) {
  private static final int INPUT = 1;
  private static final int OUTPUT = 2;
  private static final int NAME = 3;
  private static final int OP_TYPE = 4;
  private static final int ATTRIBUTE = 5;
  private static final int DOMAIN = 7;
  private static final int METADATA_PROPS = 9;

  private static final String MARK = "hone.";

  /** Where torch.onnx.export(dynamo=True) notes the modules around a node, outermost first. */
  private static final String SCOPES = "pkg.torch.onnx.name_scopes";

  /** Operations whose attributes matter here; of the others they are let go. */
  private static final Set<String> TELLING = Set.of("Cast", "Constant", "Gemm", "Transpose");

  /** A named setting; only the kinds that matter here are kept. */
  record Attribute(float number, long integer, List<Long> integers, TensorProto tensor) {

    static void read(String file, Fields fields, Map<String, Attribute> into) {
      String name = "";
      float number = 0;
      long integer = 0;
      List<Long> integers = new ArrayList<>();
      TensorProto tensor = null;
      while (fields.next()) {
        switch (fields.number()) {
          case 1 -> name = fields.text();
          case 2 -> number = fields.float32();
          case 3 -> integer = fields.varint();
          case 5 -> tensor = TensorProto.read(file, fields.message("t"));
          case 8 ->
              fields.forEachVarint(
                  i -> {
                    // Axes are meant, of which one more than allowed is enough to be told.
                    if (integers.size() <= OnnxLimits.RANK) {
                      integers.add(i);
                    }
                  });
          default -> {}
        }
      }
      into.put(name, new Attribute(number, integer, integers, tensor));
    }
  }

  static NodeProto read(String file, Fields fields) {
    List<String> inputs = new ArrayList<>();
    List<String> outputs = new ArrayList<>();
    Map<String, Attribute> attributes = new HashMap<>();
    String op = "";
    String domain = "";
    String name = "";
    String scopes = "";
    Map<String, String> marks = new HashMap<>();
    while (fields.next()) {
      OnnxLimits.check(
          fields, "inputs and outputs", inputs.size() + outputs.size(), OnnxLimits.NODE_EDGES);
      OnnxLimits.check(fields, "attributes", attributes.size(), OnnxLimits.ATTRIBUTES);
      switch (fields.number()) {
        case INPUT -> inputs.add(fields.text());
        case OUTPUT -> outputs.add(fields.text());
        case NAME -> name = fields.text();
        case OP_TYPE -> op = fields.text();
        case DOMAIN -> domain = fields.text();
        case ATTRIBUTE -> Attribute.read(file, fields.message("attribute"), attributes);
        case METADATA_PROPS -> {
          Map.Entry<String, String> entry = entry(fields.message("metadata_props"));
          if (entry.getKey().equals(SCOPES)) {
            scopes = entry.getValue();
          } else if (entry.getKey().startsWith(MARK)) {
            OnnxLimits.check(fields, "marks", marks.size(), OnnxLimits.ATTRIBUTES);
            marks.put(entry.getKey(), entry.getValue());
          }
        }
        default -> {}
      }
    }
    return new NodeProto(
        op,
        domain,
        name,
        inputs,
        outputs,
        TELLING.contains(op) ? attributes : Map.of(),
        module(scopes).isEmpty() ? path(name) : module(scopes),
        marks);
  }

  /** An input by its place, as the operator's specification counts them; empty where left out. */
  String input(int place) {
    return place < inputs.size() ? inputs.get(place) : "";
  }

  String output() {
    return outputs.isEmpty() ? "" : outputs.getFirst();
  }

  long integer(String attribute, long otherwise) {
    Attribute a = attributes.get(attribute);
    return a == null ? otherwise : a.integer();
  }

  float number(String attribute, float otherwise) {
    Attribute a = attributes.get(attribute);
    return a == null ? otherwise : a.number();
  }

  /** {@code MatMul /encoder/layer.0/attention/self/query/MatMul}. */
  @Override
  public String toString() {
    return name.isEmpty() ? op + " -> " + output() : op + " " + name;
  }

  /** A note of the file's maker; those that do not matter here, traces of stacks, are let go. */
  private static Map.Entry<String, String> entry(Fields fields) {
    String key = "";
    String value = "";
    while (fields.next()) {
      switch (fields.number()) {
        case 1 -> key = fields.text();
        case 2 -> value = key.equals(SCOPES) || key.startsWith(MARK) ? fields.text() : "";
        default -> {}
      }
    }
    return Map.entry(key, value);
  }

  /**
   * {@code ['', 'bert', 'bert.pooler', 'bert.pooler.dense', 'linear']}: the last is the operation.
   */
  private static String module(String scopes) {
    int end = scopes.lastIndexOf("', '");
    int start = end < 0 ? -1 : scopes.lastIndexOf('\'', end - 1);
    return start < 0 ? "" : scopes.substring(start + 1, end);
  }

  /**
   * {@code /bert/pooler/dense/Gemm}: how torch.onnx.export(dynamo=False) names nodes since 1.13.
   */
  private static String path(String name) {
    int end = name.lastIndexOf('/');
    return name.startsWith("/") && end > 0 ? name.substring(1, end).replace('/', '.') : null;
  }
}
