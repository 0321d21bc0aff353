package dev.hone.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the hub's protocol asks for, against a server that speaks it, well and badly. */
class HuggingFaceHubTest {

  private static final String WEIGHTS = "model.safetensors";
  private static final Duration STALL = Duration.ofSeconds(2);

  @TempDir Path cache;
  private FakeHub server;

  @BeforeEach
  void publish() throws IOException {
    server = new FakeHub();
    put("config.json", "{\"model_type\": \"bert\"}");
    put("tokenizer.json", "{}");
    put("modules.json", "[{\"path\": \"\"}, {\"path\": \"1_Pooling\"}]");
    put("sentence_roberta_config.json", "{\"max_seq_length\": 7}");
    put("1_Pooling/config.json", "{\"pooling_mode_mean_tokens\": true}");
    put("flax_model.msgpack", "not for us");
    server.files.put(WEIGHTS, random(300_000));
    server.files.put("pytorch_model.bin", random(300_000));
    server.files.put("onnx/model.onnx", random(300_000));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void fetchesTheFilesThatMakeUpTheModelIntoTheSharedLayout() throws Exception {
    List<String> told = new ArrayList<>();
    Path folder =
        resolve("acme/tiny", (file, done, total) -> told.add(file + ' ' + done + '/' + total));

    assertThat(folder).isEqualTo(repository().resolve("snapshots/" + FakeHub.COMMIT));
    assertThat(new HuggingFaceCache(repository()).files(FakeHub.COMMIT))
        .containsExactlyInAnyOrder(
            "config.json",
            "tokenizer.json",
            "modules.json",
            "sentence_roberta_config.json",
            "1_Pooling/config.json",
            WEIGHTS);
    assertThat(folder.resolve(WEIGHTS)).hasBinaryContent(server.files.get(WEIGHTS));
    assertThat(Files.readSymbolicLink(folder.resolve("1_Pooling/config.json")))
        .asString()
        .startsWith("../../../blobs/");
    assertThat(
            repository()
                .resolve("blobs")
                .resolve(FakeHub.hex("SHA-256", server.files.get(WEIGHTS))))
        .exists();
    assertThat(repository().resolve("refs/main")).hasContent(FakeHub.COMMIT);
    assertThat(told).last().isEqualTo(WEIGHTS + " 300000/300000");
  }

  @Test
  void asksOnlyForTheRevisionOnceEverythingIsThere() throws IOException {
    resolve("acme/tiny");
    server.requests.clear();
    resolve("acme/tiny");
    assertThat(server.requests).hasSize(1);
    resolve("acme/tiny@" + FakeHub.COMMIT);
    assertThat(server.requests).as("a commit cannot change").hasSize(1);
  }

  @Test
  void resumesAfterABrokenConnection() throws IOException {
    server.breaks.put(WEIGHTS, 100_000);
    assertThat(resolve("acme/tiny").resolve(WEIGHTS)).hasBinaryContent(server.files.get(WEIGHTS));
    assertThat(server.requests("store GET"))
        .hasSize(2)
        .last()
        .asString()
        .doesNotContain("range=null");
  }

  @Test
  void resumesAfterAConnectionThatBringsNothingMore() throws IOException {
    server.stalls.put(WEIGHTS, 100_000);
    assertThat(resolve("acme/tiny").resolve(WEIGHTS)).hasBinaryContent(server.files.get(WEIGHTS));
    assertThat(server.requests("store GET")).hasSize(2);
  }

  @Test
  void resumesWhatAnEarlierProcessBegan() throws Exception {
    byte[] whole = server.files.get(WEIGHTS);
    Path blobs = Files.createDirectories(repository().resolve("blobs"));
    Path incomplete = blobs.resolve(FakeHub.hex("SHA-256", whole) + ".incomplete");
    Files.write(incomplete, java.util.Arrays.copyOf(whole, 123_456));
    assertThat(resolve("acme/tiny").resolve(WEIGHTS)).hasBinaryContent(whole);
    assertThat(server.requests("store GET"))
        .singleElement()
        .asString()
        .contains("range=bytes=123456-");
    assertThat(incomplete).doesNotExist();
  }

  @Test
  void startsAnewWhereTheServerCannotResume() throws IOException {
    server.ranges = false;
    server.breaks.put(WEIGHTS, 100_000);
    assertThat(resolve("acme/tiny").resolve(WEIGHTS)).hasBinaryContent(server.files.get(WEIGHTS));
  }

  @Test
  void refusesBytesThatAreNotThePromisedOnesAndKeepsNothing() throws IOException {
    server.corrupt.add(WEIGHTS);
    assertThatThrownBy(() -> resolve("acme/tiny"))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("Wrong checksum: file=model.safetensors");
    try (var blobs = Files.list(repository().resolve("blobs"))) {
      assertThat(blobs).as("only the five small files").hasSize(5);
    }
    server.corrupt.clear();
    assertThat(resolve("acme/tiny").resolve(WEIGHTS)).exists();
  }

  @Test
  void sendsTheTokenToTheHubAndToNobodyElse() throws IOException {
    server.requiredToken = "hf_secret";
    resolve(hub(Optional.of("hf_secret"), false), "acme/tiny", Progress.NONE);
    assertThat(server.requests("hub "))
        .isNotEmpty()
        .allMatch(request -> request.endsWith("token=Bearer hf_secret"));
    assertThat(server.requests("store "))
        .isNotEmpty()
        .allMatch(request -> request.endsWith("token=null"));
  }

  @Test
  void saysWhatAGatedModelNeeds() {
    server.requiredToken = "hf_secret";
    assertThatThrownBy(() -> resolve("acme/tiny"))
        .hasMessageContaining("status=401")
        .hasMessageContaining("restricted")
        .hasMessageContaining("set HF_TOKEN")
        .hasMessageContaining("licence");
    assertThatThrownBy(() -> resolve(hub(Optional.of("other"), false), "acme/tiny", Progress.NONE))
        .hasMessageContaining("status=403");
  }

  @Test
  void saysWhatDoesNotExist() {
    assertThatThrownBy(() -> resolve("acme/none")).hasMessageContaining("status=404");
    assertThatThrownBy(() -> resolve("acme/tiny@v9"))
        .hasMessageContaining("acme/tiny@v9")
        .hasMessageContaining("404");
    assertThatThrownBy(() -> resolve("acme/tiny/q4.gguf"))
        .hasMessageContaining("no such file: q4.gguf");
  }

  @Test
  void remembersEachRevision() throws IOException {
    resolve("acme/tiny@v1");
    assertThat(repository().resolve("refs/v1")).hasContent(FakeHub.COMMIT);
    assertThat(repository().resolve("refs/main")).doesNotExist();
  }

  @Test
  void followsARenamedRepository() throws IOException {
    server.files.keySet().removeIf(name -> !name.equals("config.json"));
    server.files.put(WEIGHTS, new byte[0]);
    assertThatThrownBy(() -> resolve("acme/old-name"))
        .hasMessageContaining("acme/old-name@main: status=404");
    assertThat(server.requests("/api/models/acme/tiny/revision/main")).hasSize(1);
  }

  @Test
  void waitsWhenAskedToAndTriesAgain() throws IOException {
    String path = "/api/models/acme/tiny/revision/main";
    server.refusals.put(path, new ArrayList<>(List.of(429, 503, 500)));
    assertThat(resolve("acme/tiny").resolve(WEIGHTS)).exists();
    assertThat(server.requests(path)).hasSize(4);
    server.refusals.put(path, new ArrayList<>(java.util.Collections.nCopies(5, 429)));
    assertThatThrownBy(() -> resolve("acme/tiny")).hasMessageContaining("too many requests");
  }

  @Test
  void offlineUsesTheCacheOnly() throws IOException {
    HuggingFaceHub offline = hub(Optional.empty(), true);
    assertThatThrownBy(() -> resolve(offline, "acme/tiny", Progress.NONE))
        .hasMessageContaining("HF_HUB_OFFLINE");
    Path folder = resolve("acme/tiny");
    server.requests.clear();
    assertThat(resolve(offline, "acme/tiny", Progress.NONE)).isEqualTo(folder);
    assertThat(server.requests).isEmpty();
    Files.delete(folder.resolve(WEIGHTS));
    assertThatThrownBy(() -> resolve(offline, "acme/tiny", Progress.NONE))
        .hasMessageContaining("not in the cache");
  }

  @Test
  void anUnreachableHubLeavesTheCopyInTheCache() throws IOException {
    Path folder = resolve("acme/tiny");
    server.close();
    assertThat(resolve("acme/tiny")).isEqualTo(folder);
    assertThatThrownBy(() -> resolve("acme/other")).hasMessageContaining("cannot be reached");
  }

  @Test
  void refusesNamesThatLeadOutOfTheFolder() {
    for (String name :
        List.of("../../.bashrc", "/etc/passwd", "a/../../b", "C:\\\\x", "a//b", ".")) {
      server.strayNames.clear();
      server.strayNames.add(name);
      assertThatThrownBy(() -> resolve("acme/tiny")).hasMessageContaining("leads elsewhere");
    }
    for (String name : List.of("../x", "acme/..", "acme/tiny@../x", "acme/tiny/../x", "a--b/c")) {
      assertThatThrownBy(() -> resolve(name)).hasMessageContaining("Not a name");
    }
  }

  @Test
  void takesOnnxOnlyWithoutSafetensorsAndNeverPickles() throws IOException {
    server.files.remove(WEIGHTS);
    assertThat(resolve("acme/tiny").resolve("onnx/model.onnx")).exists();
    server.files.remove("onnx/model.onnx");
    assertThatThrownBy(() -> resolve("acme/tiny"))
        .hasMessageContaining("neither model.safetensors nor model.onnx");
  }

  @Test
  void followsModulesToAnEncoderInASubfolder() throws IOException {
    byte[] weights = server.files.remove(WEIGHTS);
    server.files.remove("onnx/model.onnx");
    server.files.remove("config.json");
    server.files.remove("tokenizer.json");
    server.files.remove("sentence_roberta_config.json");
    put("modules.json", "[{\"path\": \"0_Transformer\"}, {\"path\": \"1_Pooling\"}]");
    put("0_Transformer/config.json", "{\"model_type\": \"bert\"}");
    put("0_Transformer/vocab.txt", "[PAD]");
    put("0_Transformer/sentence_xlm-roberta_config.json", "{\"max_seq_length\": 7}");
    put("0_Transformer/pytorch_model.bin", "never");
    assertThatThrownBy(() -> resolve("acme/tiny"))
        .hasMessageContaining("neither 0_Transformer/model.safetensors nor");
    server.files.put("0_Transformer/model.safetensors", weights);

    Path folder = resolve("acme/tiny");
    assertThat(new HuggingFaceCache(repository()).files(FakeHub.COMMIT))
        .containsExactlyInAnyOrder(
            "modules.json",
            "1_Pooling/config.json",
            "0_Transformer/config.json",
            "0_Transformer/vocab.txt",
            "0_Transformer/sentence_xlm-roberta_config.json",
            "0_Transformer/model.safetensors");
    assertThat(folder.resolve("0_Transformer/model.safetensors")).hasBinaryContent(weights);
    assertThat(resolve(hub(Optional.empty(), true), "acme/tiny", Progress.NONE)).isEqualTo(folder);
  }

  @Test
  void refusesModulesThatAreNoJson() {
    put("modules.json", "[{");
    assertThatThrownBy(() -> resolve("acme/tiny")).hasMessageContaining("modules.json is not JSON");
  }

  @Test
  void fetchesOneFileByItsName() throws IOException {
    put("q4.gguf", "GGUF");
    Path file = resolve("acme/tiny/q4.gguf");
    assertThat(file).hasContent("GGUF");
    assertThat(new HuggingFaceCache(repository()).files(FakeHub.COMMIT)).containsExactly("q4.gguf");
  }

  @RepeatedTest(20)
  void manyAtOnceFetchOnce() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<Path>> folders = new ArrayList<>();
      for (int k = 0; k < 4; k++) {
        folders.add(threads.submit(() -> resolve("acme/tiny")));
      }
      for (Future<Path> folder : folders) {
        assertThat(folder.get().resolve(WEIGHTS)).hasBinaryContent(server.files.get(WEIGHTS));
      }
    }
    assertThat(server.requests("store GET")).hasSize(1);
  }

  private void put(String name, String content) {
    server.files.put(name, content.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private Path repository() {
    return cache.resolve("models--acme--tiny");
  }

  private HuggingFaceHub hub(Optional<String> token, boolean offline) {
    return new HuggingFaceHub(
        new HuggingFaceSettings(
            URI.create(server.url()), cache, token, offline, STALL, Duration.ofMillis(1)));
  }

  private Path resolve(String name) throws IOException {
    return resolve(name, Progress.NONE);
  }

  private Path resolve(String name, Progress progress) throws IOException {
    return resolve(hub(Optional.empty(), false), name, progress);
  }

  private static Path resolve(HuggingFaceHub hub, String name, Progress progress)
      throws IOException {
    return hub.resolve(HuggingFaceName.parse("hf:" + name), progress);
  }
}
