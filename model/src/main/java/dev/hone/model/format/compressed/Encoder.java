package dev.hone.model.format.compressed;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Embedding;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.format.compressed.Scheme.Packing;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Takes a model's quantized weights apart into the tensors of the layout. */
final class Encoder {
  /** The version of the compressed-tensors library whose layout this is. */
  private static final String VERSION = "0.19.0";

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** A module of the PyTorch model: what a target can name. */
  private record Layer(String name, String type, Optional<Scheme> scheme) {}

  private final Arena arena;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final List<Layer> layers = new ArrayList<>();

  /** Weights that are written without their zeros, by layer. */
  private final Map<String, Tensor> sparse = new LinkedHashMap<>();

  private Encoder(Arena arena) {
    this.arena = arena;
  }

  static Encoded encode(Transformer model, Arena arena) {
    Encoder encoder = new Encoder(arena);
    model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            encoder.add(layer.weight(), "Linear", layer.input());
            return layer;
          }

          @Override
          public Embedding embedding(Role role, Embedding table) {
            encoder.add(table.weight(), "Embedding", Input.FLOAT);
            return table;
          }
        });
    for (Weight weight : model.weights()) {
      if (weight.tensor().dtype() instanceof Plain
          && !encoder.sparse.containsKey(CompressedTensors.layerOf(weight.name()))) {
        encoder.tensors.put(
            weight.name(),
            weight.transposed()
                ? weight.tensor().transposed(arena)
                : narrow(weight.tensor(), arena));
      }
    }
    return new Encoded(Collections.unmodifiableMap(encoder.tensors), encoder.quantizationConfig());
  }

  /** Vectors are F32 once they are read: in the type of 16 bits that has all their numbers. */
  private static Tensor narrow(Tensor tensor, Arena arena) {
    if (tensor.rank() != 1 || tensor.dtype() != Plain.F32) {
      return tensor;
    }
    boolean half = true;
    boolean brain = true;
    for (float x : tensor.toArray()) {
      half &= Float.float16ToFloat(Float.floatToFloat16(x)) == x;
      brain &= (Float.floatToRawIntBits(x) & 0xFFFF) == 0;
    }
    if (!half && !brain) {
      return tensor;
    }
    return Layouts.encode(tensor, half ? Plain.F16 : Plain.BF16, arena);
  }

  private void add(Weight weight, String type, Input input) {
    String name = weight.name();
    String layer = name.substring(0, name.lastIndexOf('.'));
    Tensor matrix = weight.tensor();
    CompressedTensors.require(name, matrix.dtype(), input, matrix.columnOrder() != null);
    Optional<Scheme> scheme =
        matrix.dtype() instanceof Affine affine
            ? Optional.of(scheme(affine, input))
            : Optional.empty();
    scheme.ifPresent(s -> takeApart(layer, weight.tensor(), s));
    boolean known = type.equals("Linear") && !weight.transposed() && !name.contains("/");
    if (known && name.endsWith(CompressedTensors.WEIGHT) && Bitmasks.pays(weight.tensor())) {
      tensors.putAll(Bitmasks.encode(layer, weight.tensor(), arena));
      sparse.put(layer, weight.tensor());
    }
    if (scheme.isPresent() && input instanceof StaticInt8 grid) {
      addInput(layer, grid);
    }
    if (!name.contains("/")) {
      layers.add(new Layer(layer, type, scheme));
    }
  }

  private static Scheme scheme(Affine type, Input read) {
    Input input = CompressedTensors.written(read);
    Packing packing = input.equals(Input.FLOAT) ? Packing.PACK_QUANTIZED : Packing.INT_QUANTIZED;
    return new Scheme(
        packing,
        type.bits(),
        type.symmetric(),
        type.group(),
        type.perTensor(),
        input instanceof StaticInt8 ? Optional.empty() : Optional.of(input),
        input instanceof StaticInt8 grid && !grid.factors().none());
  }

  private void addInput(String layer, StaticInt8 grid) {
    Tensor scale = Tensor.copyOf(arena, new float[] {grid.scale()}, 1);
    Tensor zero = Tensor.allocate(arena, Plain.I8, 1);
    zero.data().set(ValueLayout.JAVA_BYTE, 0, (byte) (grid.zero() - CompressedTensors.SIGNED));
    tensors.put(layer + CompressedTensors.INPUT_SCALE, scale);
    tensors.put(layer + CompressedTensors.INPUT_ZERO_POINT, zero);
    if (!grid.factors().none()) {
      float[] factors = grid.factors().toArray();
      tensors.put(
          layer + CompressedTensors.INPUT_FACTORS, Tensor.copyOf(arena, factors, factors.length));
    }
  }

  private void takeApart(String layer, Tensor weight, Scheme scheme) {
    long rows = weight.rows();
    long cols = weight.cols();
    int bits = scheme.bits();
    switch (scheme.packing()) {
      case PACK_QUANTIZED -> {
        tensors.put(
            layer + CompressedTensors.PACKED,
            bits == 8
                ? PackedIntegers.packBytes(weight.data(), rows, cols, arena)
                : Tensor.of(Plain.I32, weight.data(), rows, PackedIntegers.words(cols, bits)));
        Tensor shape = Tensor.allocate(arena, Plain.I64, 2);
        shape.data().set(CompressedTensors.LONG, 0, rows);
        shape.data().set(CompressedTensors.LONG, Long.BYTES, cols);
        tensors.put(layer + CompressedTensors.SHAPE, shape);
      }
      case INT_QUANTIZED ->
          tensors.put(
              layer + CompressedTensors.WEIGHT,
              bits == 8
                  ? Tensor.of(Plain.I8, weight.data(), rows, cols)
                  : PackedIntegers.unpack(weight.data(), rows, cols, bits, arena));
    }
    tensors.put(layer + CompressedTensors.SCALE, written(weight.scales(), scheme));
    if (!scheme.symmetric()) {
      tensors.put(layer + CompressedTensors.ZERO_POINT, zeroPoints(weight.zeros(), scheme));
    }
  }

  /** One number for all rows where the tensor shares it. */
  private static Tensor written(Tensor perRow, Scheme scheme) {
    return scheme.perTensor() ? perRow.slice(0, 1).reshape(1) : perRow;
  }

  private Tensor zeroPoints(Tensor zeros, Scheme scheme) {
    if (scheme.packing() == Packing.PACK_QUANTIZED && !scheme.perTensor()) {
      return PackedIntegers.packZeros(zeros, scheme.bits(), arena);
    }
    Tensor signed =
        scheme.bits() == 8 ? zeros : PackedIntegers.shift(zeros, -(1 << scheme.bits() - 1), arena);
    return written(signed, scheme);
  }

  private Optional<ObjectNode> quantizationConfig() {
    Map<Scheme, List<Layer>> groups = new LinkedHashMap<>();
    for (Layer layer : layers) {
      layer.scheme().ifPresent(s -> groups.computeIfAbsent(s, _ -> new ArrayList<>()).add(layer));
    }
    if (groups.isEmpty() && sparse.isEmpty()) {
      return Optional.empty();
    }
    ObjectNode config = JSON.objectNode();
    config.put("quant_method", "compressed-tensors");
    config.put("version", VERSION);
    if (!sparse.isEmpty()) {
      config.set("sparsity_config", sparsityConfig());
    }
    if (groups.isEmpty()) {
      return Optional.of(config);
    }
    config.put("quantization_status", "compressed");
    List<Packing> packings = groups.keySet().stream().map(Scheme::packing).distinct().toList();
    config.put("format", packings.size() == 1 ? packings.getFirst().label : "mixed-precision");
    ObjectNode named = config.putObject("config_groups");
    groups.forEach(
        (scheme, members) ->
            named.set("group_" + named.size(), group(scheme, targets(members, groups))));
    ArrayNode ignore = config.putArray("ignore");
    for (Layer layer : layers) {
      if (layer.scheme().isEmpty() && quantized(layer.type(), groups) > 0) {
        ignore.add(layer.name());
      }
    }
    return Optional.of(config);
  }

  private ObjectNode sparsityConfig() {
    long all = sparse.values().stream().mapToLong(Tensor::size).sum();
    long zeros = sparse.values().stream().mapToLong(Bitmasks::zeros).sum();
    ObjectNode config = JSON.objectNode();
    config.put("format", Bitmasks.FORMAT).put("sparsity_structure", "unstructured");
    config.put("global_sparsity", (double) zeros / all);
    ArrayNode targets = config.putArray("targets");
    sparse.keySet().forEach(targets::add);
    config.putArray("ignore");
    return config;
  }

  /** Class names where they say it all, else the layers' own. */
  private List<String> targets(List<Layer> members, Map<Scheme, List<Layer>> groups) {
    boolean typesShow =
        layers.stream().allMatch(l -> QuantizationConfig.typeOf(l.name()).equals(l.type()));
    return members.stream()
        .map(l -> typesShow && quantized(l.type(), groups) == 1 ? l.type() : l.name())
        .distinct()
        .toList();
  }

  /** How many groups have layers of that class. */
  private static long quantized(String type, Map<Scheme, List<Layer>> groups) {
    return groups.values().stream()
        .filter(members -> members.stream().anyMatch(l -> l.type().equals(type)))
        .count();
  }

  private static ObjectNode group(Scheme scheme, List<String> targets) {
    ObjectNode group = JSON.objectNode();
    ArrayNode listed = group.putArray("targets");
    targets.forEach(listed::add);
    ObjectNode weights = group.putObject("weights");
    weights.put("num_bits", scheme.bits()).put("type", "int");
    weights.put("symmetric", scheme.symmetric()).put("dynamic", false);
    if (scheme.group() == 0) {
      weights.put("strategy", scheme.perTensor() ? "tensor" : "channel");
    } else {
      weights.put("strategy", "group").put("group_size", scheme.group());
    }
    if (!scheme.input().equals(Optional.of(Input.FLOAT))) {
      ObjectNode input = group.putObject("input_activations").put("num_bits", 8).put("type", "int");
      scheme
          .input()
          .ifPresentOrElse(
              dynamic -> putDynamic(dynamic, input),
              () ->
                  input
                      .put("symmetric", false)
                      .put("dynamic", false)
                      .put("strategy", scheme.factors() ? "channel" : "tensor"));
    }
    return group.put("format", scheme.packing().label);
  }

  private static void putDynamic(Input input, ObjectNode json) {
    json.put("symmetric", !input.equals(Input.DYNAMIC_INT8)).put("dynamic", true);
    if (input.ofRows()) {
      json.put("strategy", "token");
    } else {
      json.put("strategy", "group").put("group_size", Input.BLOCK);
    }
  }
}
