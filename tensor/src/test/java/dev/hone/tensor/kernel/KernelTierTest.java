package dev.hone.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.tensor.kernel.KernelTier.Ground;
import dev.hone.tensor.kernel.KernelTier.Selection;
import dev.hone.tensor.kernel.x86.X86Kernels.Availability;
import dev.hone.tensor.parallel.ComputePool;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KernelTierTest {
  private static final Processor PLAIN = new Processor("p", Set.of("sse2"), "mixed mode, sharing");
  private static final Processor WIDE =
      new Processor("p", Set.of("sse2", "avx2", "avx512bw", "avx512vl"), "mixed mode, sharing");

  private static Ground ground(boolean vectorModule, boolean assembled) {
    return new Ground(vectorModule, new Availability(assembled, "why"), PLAIN);
  }

  private static Selection select(boolean vectorModule, boolean assembled) {
    return KernelTier.select(Optional.empty(), ground(vectorModule, assembled));
  }

  @Test
  void takesTheFastestThatCanRun() {
    Selection selection = select(true, true);
    assertThat(selection.tier()).isEqualTo(KernelTier.ASSEMBLED);
    assertThat(selection.reason()).startsWith("the fastest there is, with why, vectors of ");
    assertThat(selection.warnings()).isEmpty();
    selection = select(true, false);
    assertThat(selection.tier()).isEqualTo(KernelTier.VECTOR);
    assertThat(selection.reason())
        .startsWith("the fastest there is, no assembled kernels: why, vectors of ");
    assertThat(selection.warnings()).isEmpty();
    selection = select(false, true);
    assertThat(selection.tier()).isEqualTo(KernelTier.ASSEMBLED);
    assertThat(selection.warnings()).singleElement().asString().contains("--add-modules");
  }

  @Test
  void takesWhatWasAskedFor() {
    Selection selection = KernelTier.select(Optional.of(KernelTier.SCALAR));
    assertThat(selection.tier()).isEqualTo(KernelTier.SCALAR);
    assertThat(selection.reason()).isEqualTo("asked for");
    try (ComputePool pool = new ComputePool(1)) {
      for (KernelTier tier :
          List.of(KernelTier.SCALAR, KernelTier.select(Optional.empty()).tier())) {
        assertThat(tier.create(pool).name()).isEqualTo(tier.label());
      }
    }
  }

  @Test
  void saysWhatForcesTheScalarTier() {
    Selection selection = select(false, false);
    assertThat(selection.tier()).isEqualTo(KernelTier.SCALAR);
    assertThat(selection.warnings())
        .singleElement()
        .asString()
        .contains("--add-modules jdk.incubator.vector");
    assertThatThrownBy(
            () -> KernelTier.select(Optional.of(KernelTier.VECTOR), ground(false, false)))
        .hasMessageContaining("--add-modules jdk.incubator.vector");
    assertThatThrownBy(
            () -> KernelTier.select(Optional.of(KernelTier.ASSEMBLED), ground(true, false)))
        .hasMessage("no assembled kernels: why; ask for vector or scalar");
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
