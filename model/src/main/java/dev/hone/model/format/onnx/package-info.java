/**
 * ONNX files of encoders: written whole; read for their weights, where the graph only gives lost
 * names back.
 */
package dev.hone.model.format.onnx;
