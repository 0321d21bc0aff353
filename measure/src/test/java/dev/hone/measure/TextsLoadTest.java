package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.measure.Texts.Part;
import org.junit.jupiter.api.Test;

class TextsLoadTest {
  @Test
  void theHalvesAreLargeAndShareNothing() {
    assertThat(Texts.of(Part.CHOOSE)).hasSizeGreaterThanOrEqualTo(300);
    assertThat(Texts.of(Part.REPORT))
        .hasSizeGreaterThanOrEqualTo(300)
        .doesNotContainAnyElementsOf(Texts.of(Part.CHOOSE));
  }
}
