package dev.hone.cli;

import dev.hone.compress.Provenance;
import dev.hone.measure.Units;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone export}: the same model in a format of others. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description = {
      "Writes an encoder in a format that others run: a folder with model.onnx, the tokenizer and"
          + " the config.",
      "Inputs are input_ids, attention_mask and, of models that know segments, token_type_ids;"
          + " outputs last_hidden_state, logits or sentence_embedding, as the model has them.",
      "A quantized model stays so: weights of 8 and 4 bits stand before a DequantizeLinear, inputs"
          + " on one grid a layer between QuantizeLinear and DequantizeLinear. Inputs rounded token"
          + " by token, which ONNX has no operator for, are rounded by plain ones, and multiplied"
          + " by MatMulInteger where weights have one scale an output. Groups and 4 bits need opset"
          + " 21."
    },
    footer = {"", "Example:", "  hone export minilm --to onnx --out minilm-onnx"})
final class Export implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelName model;

  @Option(
      names = "--to",
      defaultValue = "onnx",
      description = "The format (default: ${DEFAULT-VALUE}, the only one).")
  private Format format;

  @Option(
      names = {"-o", "--out", "--output"},
      paramLabel = "FOLDER",
      required = true,
      description = "Where the model goes.")
  private Path target;

  @Option(names = "--json", description = "Print JSON: {model, target, bytesBefore, bytesAfter}.")
  private boolean json;

  /** What is written. */
  enum Format {
    ONNX
  }

  @Override
  public Integer call() throws IOException {
    var terminal = Terminal.of(spec);
    Path source = model.resolve(terminal);
    long before;
    try (Model read = Model.load(source)) {
      before = read.weightFileBytes();
      switch (format) {
        case ONNX ->
            ModelWriter.writeOnnx(read, read.transformer(), Provenance.of(model.name()), target);
      }
    }
    long after;
    try (Model written = Model.load(target)) {
      after = written.weightFileBytes();
    }
    if (json) {
      terminal.json(
          Map.of(
              "model",
              model.name(),
              "target",
              target.toString(),
              "bytesBefore",
              before,
              "bytesAfter",
              after));
    } else {
      terminal.out().printf("%s -> %s%n", Units.bytes(before), Units.bytes(after));
      terminal.out().println("model: " + target);
    }
    return 0;
  }
}
