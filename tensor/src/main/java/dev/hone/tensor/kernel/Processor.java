package dev.hone.tensor.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What the processor can do, beside what this virtual machine makes of it.
 *
 * @param name as the processor calls itself
 * @param features flags as /proc/cpuinfo spells them; empty where that cannot be read
 * @param virtualMachine {@code java.vm.info}, such as {@code mixed mode, sharing}
 */
public record Processor(String name, Set<String> features, String virtualMachine) {
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  /** The processor this runs on. */
  public static Processor here() {
    String name = System.getProperty("os.arch");
    Set<String> features = Set.of();
    try {
      for (String line : Files.readAllLines(CPUINFO)) {
        int colon = line.indexOf(':');
        if (colon < 0) {
          continue;
        }
        String value = line.substring(colon + 1).strip();
        switch (line.substring(0, colon).strip()) {
          case "model name" -> name = value;
          case "flags", "Features" -> features = Set.of(value.split(" +"));
          default -> {}
        }
        if (!features.isEmpty()) {
          break; // the other cores are the same
        }
      }
    } catch (IOException e) {
      // not Linux: the width is not checked
    }
    return new Processor(name, features, System.getProperty("java.vm.info", ""));
  }

  /** The widest vectors of floats that the processor works on, in bits; 0 when not known. */
  public int vectorBits() {
    if (features.contains("avx512bw") && features.contains("avx512vl")) {
      return 512;
    }
    if (features.contains("avx2")) {
      return 256;
    }
    return features.contains("sse2") || features.contains("asimd") ? 128 : 0;
  }

  /** The widest vectors that this virtual machine uses; needs the vector module. */
  static int preferredVectorBits() {
    return jdk.incubator.vector.FloatVector.SPECIES_PREFERRED.vectorBitSize();
  }

  List<String> virtualMachineWarnings() {
    List<String> warnings = new ArrayList<>();
    if (virtualMachine.contains("interpreted mode")) {
      warnings.add("slow kernels: the virtual machine only interprets; start java without -Xint");
    } else if (virtualMachine.contains("emulated-client")) {
      warnings.add(
          "slow kernels: the optimizing compiler is off; start java without -XX:TieredStopAtLevel");
    }
    return warnings;
  }

  List<String> widthWarnings(int preferredBits) {
    if (preferredBits >= vectorBits()) {
      return List.of();
    }
    String remedy =
        vectorBits() == 512 && preferredBits == 256
            ? "start java with -XX:UseAVX=3"
            : "start java without -XX:UseAVX and -XX:MaxVectorSize";
    return List.of(
        "slow kernels: vectors of "
            + preferredBits
            + " bits where this processor has "
            + vectorBits()
            + "; "
            + remedy);
  }
}
