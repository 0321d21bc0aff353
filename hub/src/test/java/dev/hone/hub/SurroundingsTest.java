package dev.hone.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Environment variables mean here what they mean to the programs that share the folders. */
class SurroundingsTest {

  @TempDir Path home;

  @Test
  void honeHomeThenXdgThenDotCache() {
    assertThat(with(Map.of()).honeHome()).isEqualTo(home.resolve(".cache/hone"));
    assertThat(with(Map.of("XDG_CACHE_HOME", "/x")).honeHome()).isEqualTo(Path.of("/x/hone"));
    assertThat(with(Map.of("XDG_CACHE_HOME", "/x", "HONE_HOME", "/h")).honeHome())
        .isEqualTo(Path.of("/h"));
  }

  @Test
  void huggingFaceFoldersTokenAndEndpoint() throws IOException {
    HuggingFaceSettings plain = HuggingFaceSettings.of(with(Map.of()));
    assertThat(plain.cache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
    assertThat(plain.endpoint()).hasToString("https://huggingface.co");
    assertThat(plain.token()).isEmpty();
    assertThat(plain.offline()).isFalse();

    Path own = Files.createDirectory(home.resolve("own"));
    Files.writeString(own.resolve("token"), "hf_from_file\n");
    HuggingFaceSettings fromFile =
        HuggingFaceSettings.of(with(Map.of("HF_HOME", own.toString(), "HF_HUB_OFFLINE", "1")));
    assertThat(fromFile.cache()).isEqualTo(own.resolve("hub"));
    assertThat(fromFile.token()).contains("hf_from_file");
    assertThat(fromFile.offline()).isTrue();

    HuggingFaceSettings all =
        HuggingFaceSettings.of(
            with(
                Map.of(
                    "HF_HOME",
                    own.toString(),
                    "HF_HUB_CACHE",
                    "/c",
                    "HF_TOKEN",
                    "hf_set",
                    "HF_ENDPOINT",
                    "http://mirror.example:81/",
                    "HF_HUB_OFFLINE",
                    "0")));
    assertThat(all.cache()).isEqualTo(Path.of("/c"));
    assertThat(all.token()).contains("hf_set");
    assertThat(all.endpoint()).hasToString("http://mirror.example:81");
    assertThat(all.offline()).isFalse();
    assertThatThrownBy(() -> HuggingFaceSettings.of(with(Map.of("HF_ENDPOINT", "mirror"))))
        .hasMessageContaining("HF_ENDPOINT is no URL: mirror");
  }

  private Surroundings with(Map<String, String> environment) {
    return new Surroundings(environment, Map.of("user.home", home.toString()));
  }
}
