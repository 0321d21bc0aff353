package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.model.folder.ModelWriter;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.Input;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What an encoder holds in memory: mapped and arena bytes against its file, and the resident size
 * after 10,000 and after 100,000 texts. Without {@code --model} it is MiniLM with int8 weights.
 * Prints and stores JSON; ends with code 1 where one of the two is more than allowed.
 */
final class MemoryRun {
  private static final int CALL = 500;
  private static final long SEED = 1;

  /** What an encoder may hold beside one and a half times its file. */
  private static final long SLACK = 64L << 20;

  /** By how much the resident size may grow from 10,000 texts to 100,000. */
  private static final long GROWTH = 16L << 20;

  private MemoryRun() {}

  public static void main(String[] args) throws IOException {
    var options = new Options("memory", args, "--model", "--threads", "--results");
    int threads = options.number("--threads", 2);
    String name = options.of("--model", "");
    Path made =
        name.isEmpty() ? MiniLm.int8(Input.FLOAT, Files.createTempDirectory("hone-memory-")) : null;
    Path model = made == null ? Hub.system().resolve(name, Progress.NONE) : made;
    boolean held;
    try (Encoder encoder =
        Encoder.load(model, EncoderOptions.defaults().threads(threads).onCut(_ -> {}))) {
      var random = new Random(SEED);
      embed(encoder, random, 10_000);
      long early = ProcessMemory.bytes("self", "VmRSS");
      embed(encoder, random, 90_000);
      long late = ProcessMemory.bytes("self", "VmRSS");
      long file = encoder.model().weightFileBytes();
      // Slabs never shrink: what is held at the end is the peak.
      long bytes = encoder.sizeBytes();
      long allowed = file * 3 / 2 + SLACK;
      held = bytes <= allowed && late - early <= GROWTH;
      ObjectNode report = new JsonMapper().createObjectNode();
      report.put("command", ("bench/compare memory " + String.join(" ", args)).strip());
      report.put("date", Instant.now().toString());
      report.set("machine", Machine.describe(threads));
      report.put("model", made == null ? name : "minilm, int8 a channel");
      report.put("fileBytes", file);
      report.put("mappedAndArenaBytes", bytes);
      report.put("allowedBytes", allowed);
      report.put("residentAfter10000", early);
      report.put("residentAfter100000", late);
      report.put("residentGrowth", late - early);
      report.put("allowedGrowth", GROWTH);
      report.put("held", held);
      Results.store("memory", report, Path.of(options.of("--results", Results.FOLDER)));
    } finally {
      if (made != null) {
        ModelWriter.delete(made.getParent());
      }
    }
    if (!held) {
      System.err.println("more memory than allowed");
      System.exit(1);
    }
  }

  /** Embeds texts of 3 to 30 words. */
  private static void embed(Encoder encoder, Random random, int texts) {
    for (int done = 0; done < texts; done += CALL) {
      List<String> call =
          Stream.generate(() -> text(random)).limit(Math.min(CALL, texts - done)).toList();
      encoder.embed(call);
      if (done % 10_000 == 0) {
        System.err.println("embedded " + done + " of " + texts);
      }
    }
  }

  private static String text(Random random) {
    String[] words = {
      "the", "model", "reads", "a", "short", "text", "about", "music", "rain", "trains"
    };
    return String.join(
        " ",
        IntStream.range(0, 3 + random.nextInt(28))
            .mapToObj(_ -> words[random.nextInt(words.length)])
            .toList());
  }
}
