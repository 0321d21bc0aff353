package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.format.FormatException;
import dev.hone.tensor.kernel.Arithmetic;
import dev.hone.tensor.kernel.LimitLoops.Peak;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KnownLimitsTest {
  private static final MachineLimits ONE = abacus(1, 1e9);
  private static final MachineLimits TWO = abacus(2, 2e9);

  @TempDir private Path folder;

  private static MachineLimits abacus(int threads, double read) {
    var operations = Map.of(Peak.F32, 2 * read, Peak.INT8, 3 * read);
    return new MachineLimits("abacus", threads, "vector", read, operations);
  }

  @Test
  void floatsAndIntegersAreAsFastAsWhatIsFastest() {
    var operations =
        Map.of(Peak.F32, 300.0, Peak.INT8, 1_200.0, Peak.BF16_TILES, 6_000.0, Peak.INT8_TILES, 9e3);
    var tiles = new MachineLimits("loom", 1, "assembled", 1, operations);
    assertThat(ONE.operationsPerSecond(Arithmetic.F32)).isEqualTo(2e9);
    assertThat(ONE.operationsPerSecond(Arithmetic.INT8)).isEqualTo(3e9);
    assertThat(tiles.operationsPerSecond(Arithmetic.F32)).isEqualTo(2_000);
    assertThat(tiles.operationsPerSecond(Arithmetic.BF16)).isEqualTo(6_000);
    assertThat(tiles.operationsPerSecond(Arithmetic.INT8)).isEqualTo(9_000);
  }

  @Test
  void whatWasMeasuredIsRemembered() throws IOException {
    KnownLimits known = KnownLimits.in(folder.resolve("home"));
    assertThat(known.find(ONE.key())).isEmpty();
    known.remember(List.of(ONE));
    known.remember(List.of(TWO));
    assertThat(known.find(ONE.key())).contains(ONE);
    assertThat(known.find(TWO.key())).contains(TWO);
    assertThat(known.find(new MachineLimits.Key("abacus", 1, "assembled"))).isEmpty();
    assertThat(known.find(new MachineLimits.Key("slide rule", 1, "vector"))).isEmpty();
    try (var files = Files.list(folder.resolve("home"))) {
      assertThat(files).containsExactly(known.file());
    }
  }

  @Test
  void theNewestEntryCounts() {
    KnownLimits known = KnownLimits.in(folder);
    var later = abacus(1, 5);
    known.remember(List.of(ONE, TWO));
    known.remember(List.of(later));
    assertThat(known.find(ONE.key())).contains(later);
    assertThat(known.find(TWO.key())).contains(TWO);
  }

  @Test
  void measuresOnceAndOnlyWhatIsNotKnown() {
    KnownLimits known = KnownLimits.in(folder);
    MachineLimits measured = known.findOrMeasure(1);
    assertThat(measured.plausible()).isTrue();
    assertThat(measured.key()).isEqualTo(MachineLimits.Key.here(1));
    assertThat(known.findOrMeasure(1)).isEqualTo(measured);
    assertThat(measured.text()).matches("read .+B/s, f32 .+op/s, int8 .+op/s");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[",
        "null",
        "{}",
        "[null]",
        "[{\"cpu\": \"abacus\"}]",
        "[{\"cpu\": \"a\", \"beads\": 1}]"
      })
  void aBrokenFileIsSaidToBe(String text) throws IOException {
    KnownLimits known = KnownLimits.in(folder);
    Files.writeString(known.file(), text);
    assertThatThrownBy(() -> known.find(ONE.key()))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(known.file().toString())
        .hasMessageContaining("delete it");
  }

  @Test
  void aHugeFileIsNotRead() throws IOException {
    KnownLimits known = KnownLimits.in(folder);
    Files.write(known.file(), new byte[(1 << 20) + 1]);
    assertThatThrownBy(() -> known.remember(List.of(ONE)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("bytes=1048577");
  }
}
