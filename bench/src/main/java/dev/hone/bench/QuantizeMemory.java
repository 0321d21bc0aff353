package dev.hone.bench;

import dev.hone.cli.Hone;
import dev.hone.compress.Compression;
import dev.hone.model.folder.ModelWriter;
import dev.hone.tensor.DType.Plain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@code hone quantize} takes beyond mapped files, from its start to its end: a process of its
 * own is watched while it quantizes a decoder of 1.1 billion random weights, calibrated on
 * WikiText-2. Needs Linux.
 */
final class QuantizeMemory {
  private static final long MOST = 2L << 30;
  private static final String TEXT = "assets/text/wikitext2/wikitext-test.txt";

  /** Of fewer tokens than the model has rows for. */
  private static final String TOKENIZER = "assets/models/tinystories-656k-llama/tokenizer.json";

  private static final List<String> GPTQ = List.of("--method", "gptq", "--bits", "4");
  private static final List<String> NEAREST = List.of("--method", "rtn", "--bits", "8");

  private QuantizeMemory() {}

  /** Every Nth window alone is read of every Nth block. */
  static void measure(Path shared, int threads, int every, QualityLines lines)
      throws IOException, InterruptedException {
    RandomLlama large = RandomLlama.of("1.1b");
    RandomLlama shape = every == 1 ? large : large.shallow(Math.max(1, large.layers() / every));
    Path model = shape.folder(Plain.BF16, shared.resolve(TOKENIZER));
    int windows = Math.max(1, Compression.SAMPLES / every);
    Path folder = Files.createTempDirectory(RandomLlama.home(), "made-");
    try {
      for (List<String> method : List.of(GPTQ, NEAREST)) {
        long start = System.nanoTime();
        List<String> command = new ArrayList<>(List.of("quantize", model.toString()));
        command.addAll(method);
        command.addAll(List.of("--group", "64", "--threads", String.valueOf(threads)));
        command.addAll(List.of("--out", folder.resolve("made").toString()));
        command.addAll(List.of("--calibration", shared.resolve(TEXT).toString()));
        command.addAll(List.of("--samples", String.valueOf(windows)));
        long peak = SideProcess.peakBytes(Hone.class, command);
        lines
            .line(String.join(" ", method) + " --group 64")
            .figure("blocks", shape.layers())
            .figure("windows", method == GPTQ ? windows : 0)
            .atMost("peakBytesBeyondMappedFiles", peak, MOST)
            .figure("secondsToMake", (System.nanoTime() - start) / 1e9)
            .end();
      }
    } finally {
      ModelWriter.delete(folder);
    }
  }
}
