/** ONNX files of encoders, read for their weights: the graph only gives lost names back. */
package dev.hone.model.format.onnx;
