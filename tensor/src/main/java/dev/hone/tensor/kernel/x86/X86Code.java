package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collection;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The kernels as they were assembled for this processor, once a process. */
final class X86Code {
  private final Set<Feature> features;
  private final ProductKernel product;
  private final Widening widening;
  private final Scratch scratch = new Scratch();
  private final Map<Activation, ActivationKernel> activations = new EnumMap<>(Activation.class);
  private final MemorySegment zeros;

  private X86Code(Set<Feature> features) {
    this.features = features;
    boolean wide = features.contains(Feature.AVX512);
    product = new ProductKernel(wide ? ProductKernel.Shape.AVX512 : ProductKernel.Shape.AVX2);
    widening = new Widening(width(), product.columns());
    for (Activation activation : Activation.values()) {
      if (activation != Activation.NONE) {
        activations.put(activation, new ActivationKernel(activation));
      }
    }
    zeros = Arena.global().allocate((long) product.columns() * Float.BYTES, Tensor.ALIGNMENT);
  }

  /**
   * The code, or why there is none.
   *
   * @param code null where there is none
   * @param reason what it was made for, or what is missing
   */
  record Attempt(X86Code code, String reason) {}

  private static final class Here {
    static final Attempt ATTEMPT = attempt();
  }

  static Attempt here() {
    return Here.ATTEMPT;
  }

  private static Attempt attempt() {
    String system = System.getProperty("os.name") + " on " + System.getProperty("os.arch");
    if (!system.equals("Linux on amd64")) {
      return new Attempt(null, "written for Linux on amd64, not " + system);
    }
    try {
      Set<Feature> features = CpuFeatures.detect();
      if (!features.contains(Feature.AVX2_FMA)) {
        return new Attempt(null, "this processor lacks AVX2, FMA or F16C");
      }
      X86Code code = new X86Code(features);
      Optional<String> wrong = code.selfTest();
      return wrong
          .map(what -> new Attempt(null, what))
          .orElseGet(() -> new Attempt(code, code.label()));
    } catch (CodeMemory.RefusedException e) {
      return new Attempt(null, "this system lets no code be made: " + e.getMessage());
    }
  }

  /** Every kernel once, on a case whose answer is known. */
  private Optional<String> selfTest() {
    int rows = product.height() + 1;
    int depth = 7;
    int columns = product.columns();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = arena.allocate((long) rows * depth * Float.BYTES);
      MemorySegment b = arena.allocate((long) depth * columns * Float.BYTES);
      MemorySegment c = arena.allocate((long) rows * columns * Float.BYTES);
      for (int i = 0; i < rows * depth; i++) {
        a.setAtIndex(ValueLayout.JAVA_FLOAT, i, i % 5 - 2);
      }
      for (int i = 0; i < depth * columns; i++) {
        b.setAtIndex(ValueLayout.JAVA_FLOAT, i, i % 11 - 5);
      }
      product.run(a, depth * 4L, b, c, columns * 4L, rows, depth, zeros);
      for (int r = 0; r < rows; r++) {
        for (int j = 0; j < columns; j++) {
          int sum = 0;
          for (int k = 0; k < depth; k++) {
            sum += ((r * depth + k) % 5 - 2) * ((k * columns + j) % 11 - 5);
          }
          float found = c.getAtIndex(ValueLayout.JAVA_FLOAT, r * columns + j);
          if (found != sum) {
            return Optional.of(
                "the self-test of the product failed: " + found + " instead of " + sum);
          }
        }
      }
      for (var activation : activations.entrySet()) {
        c.fill((byte) 0);
        activation.getValue().run(c, rows);
        for (int i = 0; i < rows; i++) {
          if (c.getAtIndex(ValueLayout.JAVA_FLOAT, i) != 0) { // all of them keep zero
            return Optional.of("the self-test of " + activation.getKey() + " failed");
          }
        }
      }
    }
    return Optional.empty();
  }

  Width width() {
    return features.contains(Feature.AVX512) ? Width.ZMM : Width.YMM;
  }

  ProductKernel product() {
    return product;
  }

  Widening widening() {
    return widening;
  }

  Scratch scratch() {
    return scratch;
  }

  ActivationKernel activation(Activation activation) {
    return activations.get(activation);
  }

  Collection<ActivationKernel> activations() {
    return activations.values();
  }

  /** A panel's width of zeros. */
  MemorySegment zeros() {
    return zeros;
  }

  /** What it was written with: {@code avx2+fma}, {@code avx512}. */
  private String label() {
    return (features.contains(Feature.AVX512) ? Feature.AVX512 : Feature.AVX2_FMA)
        .name()
        .toLowerCase(Locale.ROOT)
        .replace('_', '+');
  }
}
