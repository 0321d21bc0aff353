package dev.hone.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Hone's decoders against llama.cpp on Llama-shaped random weights of 135M and 1.1B parameters:
 * tokens per second of prompts and of generation, in processes that take turns, and how much of the
 * bandwidth at which memory can be read generation uses. Prints and stores JSON.
 */
final class CompareDecoder {
  private static final List<Integer> PROMPTS = List.of(128, 512);
  private static final int SEQUENCES = 8;

  /** Tokens that are generated one after the other. */
  private static final int GENERATED = 32;

  private CompareDecoder() {}

  public static void main(String[] args) throws Exception {
    var options =
        new Options(
            "decoder",
            args,
            "--rounds",
            "--threads",
            "--models",
            "--types",
            "--llama.cpp",
            "--results");
    int rounds = options.number("--rounds", 3);
    int threads = options.number("--threads", 2);
    var peer = new LlamaCpp(Path.of(options.of("--llama.cpp", "bench/llama.cpp")));
    List<String> models = List.of(options.of("--models", "135m,1.1b").split(","));
    List<DType> types =
        Stream.of(options.of("--types", "q8_0,q4_0").split(",")).map(DType::of).toList();
    ObjectNode report = new JsonMapper().createObjectNode();
    report.put("command", ("bench/compare decoder " + String.join(" ", args)).strip());
    report.put("date", Instant.now().toString());
    report.set("machine", Machine.describe(threads));
    report.put("peer", peer.version());
    for (String name : models) {
      for (DType type : types) {
        var pair = new Pair(RandomLlama.of(name), type);
        report.set(name + "-" + type.label(), compare(pair, peer, threads, rounds));
      }
    }
    Results.store("decoder", report, Path.of(options.of("--results", Results.FOLDER)));
  }

  /** A model that both sides run. */
  private record Pair(RandomLlama model, DType type) {}

  private static ObjectNode compare(Pair pair, LlamaCpp peer, int threads, int rounds)
      throws IOException, InterruptedException {
    Path file = pair.model.file(pair.type);
    double gigabytes = pair.model.bytesPerToken(pair.type) / 1e9;
    var both = new BothSides("llamaCpp", BothSides.Unit.TOKENS_PER_SECOND, rounds);
    List<JsonNode> honeRounds = new ArrayList<>();
    List<JsonNode> peerRounds = new ArrayList<>();
    for (int round = 1; round <= rounds; round++) {
      ObjectNode hone = hone(file, threads);
      ObjectNode other = rates(peer.seconds(file, threads, GENERATED, PROMPTS));
      both.add(pair.model.name() + " " + pair.type.label(), hone, other);
      honeRounds.add(hone);
      peerRounds.add(other);
    }
    ObjectNode figures = both.figures();
    ObjectNode generate = figures.withObject("generate");
    double[] read = honeRounds.stream().mapToDouble(r -> r.get("readGBs").asDouble()).toArray();
    generate.put("gigabytesPerToken", gigabytes);
    generate.put("honeShareOfRead", share(honeRounds, read, gigabytes));
    generate.put("llamaCppShareOfRead", share(peerRounds, read, gigabytes));
    generate.put("readGBs", BothSides.median(read.clone()));
    ObjectNode many = figures.putObject("generate" + SEQUENCES);
    many.put(
        "honeTokensPerSecond",
        BothSides.median(honeRounds.stream().mapToDouble(r -> r.get(many()).asDouble()).toArray()));
    many.put(
        "speedOverOne",
        BothSides.median(
            honeRounds.stream()
                .mapToDouble(r -> r.get(many()).asDouble() / r.get("generate").asDouble())
                .toArray()));
    return figures;
  }

  private static String many() {
    return "generate" + SEQUENCES;
  }

  /** Of the bandwidth of the same round. */
  private static double share(List<JsonNode> rounds, double[] readGBs, double gigabytes) {
    double[] shares = new double[readGBs.length];
    for (int i = 0; i < shares.length; i++) {
      shares[i] = rounds.get(i).get("generate").asDouble() * gigabytes / readGBs[i];
    }
    return BothSides.median(shares);
  }

  private static ObjectNode hone(Path file, int threads) throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>();
    arguments.add(file.toString());
    for (int number : List.of(threads, GENERATED, SEQUENCES)) {
      arguments.add(Integer.toString(number));
    }
    PROMPTS.forEach(prompt -> arguments.add(Integer.toString(prompt)));
    JsonNode seconds = SideProcess.java(DecoderRun.class, arguments.toArray(String[]::new));
    ObjectNode rates = rates(seconds);
    rates.set("readGBs", seconds.get("readGBs"));
    return rates;
  }

  /** Tokens a second of every test, from the seconds that it took. */
  private static ObjectNode rates(JsonNode seconds) {
    ObjectNode rates = new JsonMapper().createObjectNode();
    PROMPTS.forEach(
        prompt -> rates.put("prompt" + prompt, prompt / seconds.get("prompt" + prompt).asDouble()));
    rates.put("generate", GENERATED / seconds.get("generate").asDouble());
    if (seconds.has(many())) {
      rates.put(many(), SEQUENCES * GENERATED / seconds.get(many()).asDouble());
    }
    return rates;
  }
}
