package dev.hone.tensor.kernel.x86;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.emulator.Emulator;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** The tier on a processor that this machine has not: {@code tensor/emulate} runs it. */
@Tag("emulator")
@EnabledIfSystemProperty(
    named = "hone.emulator.cpu",
    matches = ".+",
    disabledReason = "tensor/emulate runs it")
class EmulatedKernelsTest extends X86KernelsTest {
  private static final String CPU = System.getProperty("hone.emulator.cpu");
  private static final String WITHOUT = System.getProperty("hone.emulator.without", "");

  /** What each model has of what kernels are written with. */
  private static final Map<String, Set<Feature>> FEATURES =
      Map.of(
          "corei7_haswell_4770",
          EnumSet.of(Feature.AVX2_FMA),
          "arrow_lake",
          EnumSet.of(Feature.AVX2_FMA, Feature.AVX_VNNI),
          "corei7_skylake_x",
          EnumSet.of(Feature.AVX2_FMA, Feature.AVX512),
          "corei7_icelake_u",
          EnumSet.of(Feature.AVX2_FMA, Feature.AVX512, Feature.AVX512_VNNI),
          "sapphire_rapids",
          EnumSet.allOf(Feature.class));

  /** Before any kernel is made. */
  @BeforeAll
  static void emulate() {
    String bochs = System.getProperty("hone.emulator.bochs");
    Path rom = Path.of(System.getProperty("hone.emulator.rom"));
    CodeMemory.runOn(new Emulator(bochs, CPU, WITHOUT, rom));
  }

  /** An emulated core does some ten million vector instructions a second. */
  @Override
  protected boolean affords(long multiplications) {
    return multiplications <= 1_500_000;
  }

  @Test
  @Override
  void findsTheFeaturesThatTheSystemFinds() {
    Set<Feature> expected = EnumSet.copyOf(FEATURES.get(CPU));
    expected.removeIf(feature -> without(feature.name()));
    assertThat(CpuFeatures.detect()).isEqualTo(expected);
  }

  /** Bochs spells {@code AMX_INT8} amx_int8, and {@code AVX512_BF16} avx512bf16. */
  private static boolean without(String feature) {
    String letters = feature.replace("_", "").toLowerCase(Locale.ROOT);
    return List.of(WITHOUT.replace("_", "").split(",", -1)).contains(letters);
  }
}
