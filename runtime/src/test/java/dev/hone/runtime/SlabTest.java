package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.tensor.Tensor;
import org.junit.jupiter.api.Test;

class SlabTest {
  @Test
  void countsWhatItHeldAtMost() {
    try (Slab slab = new Slab()) {
      slab.reset();
      slab.matrix(1024, 4);
      slab.matrix(1024, 8);
      assertThat(slab.sizeBytes()).as("each in memory of its own").isEqualTo(1024 * 12 * 4);
      slab.reset();
      slab.matrix(1024, 12);
      assertThat(slab.sizeBytes()).as("one chunk that suffices").isEqualTo(1024 * 12 * 4);
      slab.matrix(1024, 4);
      assertThat(slab.sizeBytes()).as("a larger batch grows it").isEqualTo(1024 * 16 * 4);
    }
  }

  @Test
  void whatIsReservedIsThereAtOnce() {
    try (Slab slab = new Slab()) {
      slab.reserve(1024 * 12 * 4);
      Tensor first = slab.matrix(1024, 4);
      Tensor second = slab.matrix(1024, 8);
      assertThat(second.data().address())
          .as("side by side")
          .isEqualTo(first.data().address() + 1024 * 4 * 4);
      assertThat(slab.sizeBytes()).isEqualTo(1024 * 12 * 4);
      assertThat(slab.wanted()).isEqualTo(1024 * 12 * 4);
      slab.reserve(1024);
      slab.reset();
      assertThat(slab.matrix(1024, 4).data().address())
          .as("what suffices stays")
          .isEqualTo(first.data().address());
    }
  }

  @Test
  void goesOnAfterWhatNoMemoryIsLeftFor() {
    try (Slab slab = new Slab()) {
      Tensor small = slab.matrix(4, 4);
      assertThatThrownBy(() -> slab.matrix(1L << 30, 1L << 25))
          .isInstanceOf(OutOfMemoryError.class);
      small.data().fill((byte) 1);
      slab.reset();
      slab.matrix(4, 4).data().fill((byte) 1);
    }
  }
}
