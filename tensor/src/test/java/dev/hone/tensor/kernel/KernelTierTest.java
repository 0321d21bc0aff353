package dev.hone.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.tensor.kernel.KernelTier.Selection;
import dev.hone.tensor.parallel.ComputePool;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KernelTierTest {
  private static final Processor PLAIN = new Processor("p", Set.of("sse2"), "mixed mode, sharing");
  private static final Processor WIDE =
      new Processor("p", Set.of("sse2", "avx2", "avx512bw", "avx512vl"), "mixed mode, sharing");

  @Test
  void takesTheFastestThatCanRun() {
    Selection selection = KernelTier.select(Optional.empty(), true, PLAIN);
    assertThat(selection.tier()).isEqualTo(KernelTier.VECTOR);
    assertThat(selection.reason()).startsWith("the fastest there is, vectors of ");
    assertThat(selection.warnings()).isEmpty();
  }

  @Test
  void takesWhatWasAskedFor() {
    Selection selection = KernelTier.select(Optional.of(KernelTier.SCALAR));
    assertThat(selection.tier()).isEqualTo(KernelTier.SCALAR);
    assertThat(selection.reason()).isEqualTo("asked for");
    try (ComputePool pool = new ComputePool(1)) {
      for (KernelTier tier : KernelTier.values()) {
        assertThat(tier.create(pool).name()).isEqualTo(tier.label());
      }
    }
  }

  @Test
  void saysWhatForcesTheScalarTier() {
    Selection selection = KernelTier.select(Optional.empty(), false, PLAIN);
    assertThat(selection.tier()).isEqualTo(KernelTier.SCALAR);
    assertThat(selection.warnings())
        .singleElement()
        .asString()
        .contains("--add-modules jdk.incubator.vector");
    assertThatThrownBy(() -> KernelTier.select(Optional.of(KernelTier.VECTOR), false, PLAIN))
        .hasMessageContaining("--add-modules jdk.incubator.vector");
  }

  @Test
  void saysWhereVectorsAreNarrowerThanTheProcessors() {
    assertThat(WIDE.widthWarnings(256))
        .containsExactly(
            "slow kernels: vectors of 256 bits where this processor has 512; "
                + "start java with -XX:UseAVX=3");
    assertThat(WIDE.widthWarnings(128))
        .singleElement()
        .asString()
        .endsWith("start java without -XX:UseAVX and -XX:MaxVectorSize");
    assertThat(WIDE.widthWarnings(512)).isEmpty();
    assertThat(PLAIN.widthWarnings(128)).isEmpty();
  }

  @Test
  void saysWhereNothingIsCompiled() {
    assertThat(new Processor("p", Set.of(), "interpreted mode").virtualMachineWarnings())
        .singleElement()
        .asString()
        .contains("-Xint");
    assertThat(new Processor("p", Set.of(), "mixed mode, emulated-client").virtualMachineWarnings())
        .singleElement()
        .asString()
        .contains("TieredStopAtLevel");
  }
}
