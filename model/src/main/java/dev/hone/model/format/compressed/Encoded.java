package dev.hone.model.format.compressed;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * A model as plain tensors.
 *
 * @param tensors under the names they have in the file; what stands before a {@code /} is the
 *     subfolder of the file
 * @param quantizationConfig belongs into {@code config.json} under {@code quantization_config};
 *     nothing where no layer is quantized
 */
public record Encoded(Map<String, Tensor> tensors, Optional<ObjectNode> quantizationConfig) {}
