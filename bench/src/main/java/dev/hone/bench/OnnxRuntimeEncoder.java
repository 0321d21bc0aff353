package dev.hone.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * ONNX Runtime's Java package over the same ONNX file; batches are padded to their longest
 * sequence.
 */
final class OnnxRuntimeEncoder implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;

  OnnxRuntimeEncoder(Path model, int threads) throws OrtException {
    var options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(threads);
    options.setInterOpNumThreads(1);
    options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
    session = environment.createSession(model.toString(), options);
  }

  /** Runs one batch; the answer is dropped. */
  void run(List<int[]> batch) throws OrtException {
    int longest = batch.stream().mapToInt(s -> s.length).max().orElseThrow();
    long[] shape = {batch.size(), longest};
    var ids = LongBuffer.allocate(batch.size() * longest);
    var mask = LongBuffer.allocate(batch.size() * longest);
    for (int s = 0; s < batch.size(); s++) {
      for (int t = 0; t < batch.get(s).length; t++) {
        ids.put(s * longest + t, batch.get(s)[t]);
        mask.put(s * longest + t, 1);
      }
    }
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try {
      inputs.put("input_ids", OnnxTensor.createTensor(environment, ids, shape));
      inputs.put("attention_mask", OnnxTensor.createTensor(environment, mask, shape));
      if (session.getInputNames().contains("token_type_ids")) {
        var types = LongBuffer.allocate(batch.size() * longest);
        inputs.put("token_type_ids", OnnxTensor.createTensor(environment, types, shape));
      }
      session.run(inputs).close();
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
