package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A program that knows nothing of DJL's variables and uses a tokenizer makes no connection: the
 * classes of DJL and the JDK that would are never loaded.
 */
class NoNetworkTest {

  @TempDir Path folder;

  @Test
  void aTokenizerIsLoadedAndUsedWithoutTheClassesThatConnect() throws Exception {
    try (InputStream in = NoNetworkTest.class.getResourceAsStream("wordpiece.json")) {
      Files.copy(in, folder.resolve("tokenizer.json"));
    }
    Path output = folder.resolve("output.txt");
    ProcessBuilder program =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xlog:class+load=info:stdout",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Program.class.getName(),
            folder.toString());
    program.environment().keySet().removeAll(java.util.List.of("RUST_FLAVOR", "OPT_OUT_TRACKING"));
    program.redirectErrorStream(true).redirectOutput(output.toFile());
    assertThat(program.start().waitFor()).isZero();
    String loaded = Files.readString(output, StandardCharsets.UTF_8);
    assertThat(loaded)
        .contains("ids=[2, ", "flavor=null", NativeTokenizer.class.getName())
        .doesNotContain("ai.djl.util.Ec2Utils ", "java.net.Socket ", "java.net.HttpURLConnection ");
  }

  /** What runs in a JVM of its own. */
  static final class Program {

    private Program() {}

    public static void main(String[] args) throws IOException {
      try (Tokenizer tokenizer = Tokenizer.load(Path.of(args[0]))) {
        System.out.println("ids=" + Arrays.toString(tokenizer.encode("a", 8).ids()));
        System.out.println("flavor=" + System.getProperty("RUST_FLAVOR"));
      }
    }
  }
}
