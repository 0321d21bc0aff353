/**
 * The compressed-tensors layout of quantized weights, which llm-compressor writes and vLLM reads.
 */
package dev.hone.model.format.compressed;
