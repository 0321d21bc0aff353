package dev.hone.runtime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import dev.hone.model.Batch;
import dev.hone.tensor.kernel.Processor;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Runs ONNX files; batches are padded on the right, with an id that no text has there. */
final class OnnxRuntime implements AutoCloseable {
  private static final int PADDING = 1;

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;

  OnnxRuntime(Path model) throws OrtException {
    var options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(2);
    // Products with weights of 4 bits would round their inputs to 8 bits too.
    options.addConfigEntry("session.qdq_matmulnbits_accuracy_level", "1");
    if (!multipliesBytesExactly()) {
      options.setOptimizationLevel(OptLevel.NO_OPT); // what is dequantized is multiplied as floats
    }
    session = environment.createSession(model.toString(), options);
  }

  /**
   * Whether it multiplies bytes as ONNX defines it: on x86 without VNNI, the sums of two products
   * end at 16 bits (microsoft/onnxruntime pull request 12088).
   */
  static boolean multipliesBytesExactly() {
    Set<String> features = Processor.here().features();
    return !System.getProperty("os.arch").equals("amd64")
        || features.contains("avx512_vnni")
        || features.contains("avx_vnni");
  }

  Set<String> inputs() {
    return session.getInputNames();
  }

  Set<String> outputs() {
    return session.getOutputNames();
  }

  /** A row for every sequence, or for every token that is none of the padding. */
  List<float[]> run(String output, Batch batch) throws OrtException {
    int longest = 0;
    for (int s = 0; s < batch.sequences(); s++) {
      longest = Math.max(longest, length(batch, s));
    }
    long[] shape = {batch.sequences(), longest};
    var ids = LongBuffer.allocate(batch.sequences() * longest);
    var mask = LongBuffer.allocate(batch.sequences() * longest);
    var types = LongBuffer.allocate(batch.sequences() * longest);
    for (int s = 0; s < batch.sequences(); s++) {
      for (int t = 0; t < longest; t++) {
        boolean token = t < length(batch, s);
        int at = batch.offsets()[s] + t;
        ids.put(token ? batch.ids()[at] : PADDING);
        mask.put(token ? 1 : 0);
        types.put(token ? batch.types()[at] : 0);
      }
    }
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try {
      inputs.put("input_ids", OnnxTensor.createTensor(environment, ids.flip(), shape));
      inputs.put("attention_mask", OnnxTensor.createTensor(environment, mask.flip(), shape));
      if (session.getInputNames().contains("token_type_ids")) {
        inputs.put("token_type_ids", OnnxTensor.createTensor(environment, types.flip(), shape));
      }
      try (OrtSession.Result result = session.run(inputs)) {
        return rows(result.get(output).orElseThrow(), batch);
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private static List<float[]> rows(OnnxValue value, Batch batch) throws OrtException {
    List<float[]> rows = new ArrayList<>();
    if (value.getValue() instanceof float[][] sequences) {
      rows.addAll(List.of(sequences));
    } else if (value.getValue() instanceof float[][][] tokens) {
      for (int s = 0; s < batch.sequences(); s++) {
        rows.addAll(List.of(tokens[s]).subList(0, length(batch, s)));
      }
    }
    return rows;
  }

  private static int length(Batch batch, int sequence) {
    return batch.offsets()[sequence + 1] - batch.offsets()[sequence];
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
