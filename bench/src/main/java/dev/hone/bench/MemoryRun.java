package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What an encoder holds in memory: mapped and arena bytes against its file, and the resident size
 * after 10,000 and after 100,000 texts. Arguments: {@code MODEL [THREADS]}.
 */
final class MemoryRun {
  private static final int CALL = 500;
  private static final long SEED = 1;

  private MemoryRun() {}

  public static void main(String[] args) throws IOException {
    Path model = Hub.system().resolve(args[0], Progress.NONE);
    int threads = args.length > 1 ? Integer.parseInt(args[1]) : 2;
    var options = EncoderOptions.defaults().threads(threads).onCut(_ -> {});
    var random = new Random(SEED);
    ObjectNode report = new JsonMapper().createObjectNode();
    report.put("model", args[0]);
    try (Encoder encoder = Encoder.load(model, options)) {
      embed(encoder, random, 10_000);
      long early = residentBytes();
      embed(encoder, random, 90_000);
      long late = residentBytes();
      long file = encoder.model().weightFileBytes();
      report.put("fileBytes", file);
      report.put("mappedAndArenaBytes", encoder.sizeBytes());
      report.put("allowedBytes", file * 3 / 2 + (64 << 20));
      report.put("residentAfter10000", early);
      report.put("residentAfter100000", late);
      report.put("residentGrowth", late - early);
      report.put("allowedGrowth", 16 << 20);
    }
    System.out.println(report.toPrettyString());
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

  private static long residentBytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(l -> l.startsWith("VmRSS:"))
        .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) * 1024)
        .findFirst()
        .orElseThrow(() -> new IOException("/proc/self/status has no VmRSS: needs Linux"));
  }
}
