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

  private final Path shared;
  private final int threads;
  private final Path made;
  private final QualityLines lines;

  private QuantizeMemory(Path shared, int threads, Path made, QualityLines lines) {
    this.shared = shared;
    this.threads = threads;
    this.made = made;
    this.lines = lines;
  }

  /**
   * Where not everything is read, GPTQ is watched twice: in all blocks with every Nth window, and
   * in every Nth block with all windows. What lasts until the end shows in the one, what grows with
   * the texts in the other.
   */
  static void measure(Path shared, int threads, int every, QualityLines lines)
      throws IOException, InterruptedException {
    RandomLlama all = RandomLlama.of("1.1b");
    Files.createDirectories(RandomLlama.home());
    Path folder = Files.createTempDirectory(RandomLlama.home(), "made-");
    try {
      var memory = new QuantizeMemory(shared, threads, folder.resolve("made"), lines);
      memory.watch(GPTQ, all, Math.max(1, Compression.SAMPLES / every));
      if (every > 1) {
        int blocks = Math.max(1, all.layers() / every);
        memory.watch(GPTQ, all.shallow(blocks), Compression.SAMPLES);
      }
      memory.watch(NEAREST, all, 0);
    } finally {
      ModelWriter.delete(folder);
    }
  }

  private void watch(List<String> method, RandomLlama shape, int windows)
      throws IOException, InterruptedException {
    Path model = shape.folder(Plain.BF16, shared.resolve(TOKENIZER));
    List<String> command = new ArrayList<>(List.of("quantize", model.toString()));
    command.addAll(method);
    command.addAll(List.of("--group", "64", "--threads", String.valueOf(threads)));
    command.addAll(List.of("--out", made.toString()));
    if (windows > 0) {
      command.addAll(List.of("--calibration", shared.resolve(TEXT).toString()));
      command.addAll(List.of("--samples", String.valueOf(windows)));
    }
    long start = System.nanoTime();
    long peak = SideProcess.peakBytes(Hone.class, command);
    lines
        .line(String.join(" ", method) + " --group 64")
        .figure("blocks", shape.layers())
        .figure("windows", windows)
        .atMost("peakBytesBeyondMappedFiles", peak, MOST)
        .figure("secondsToMake", (System.nanoTime() - start) / 1e9)
        .end();
  }
}
