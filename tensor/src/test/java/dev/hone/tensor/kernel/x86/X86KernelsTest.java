package dev.hone.tensor.kernel.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.Processor;
import dev.hone.tensor.kernel.TierTest;
import dev.hone.tensor.kernel.vector.VectorKernels;
import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import dev.hone.tensor.parallel.ComputePool;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Where the tier can run; elsewhere the build says how many tests it left out. */
@EnabledIf("available")
class X86KernelsTest extends TierTest {

  static boolean available() {
    return X86Kernels.availability().available();
  }

  @Override
  protected Kernels tier(ComputePool pool) {
    return new X86Kernels(pool, new VectorKernels(pool));
  }

  @Test
  void findsTheFeaturesThatTheSystemFinds() {
    Set<Feature> features = CpuFeatures.detect();
    Set<String> system = Processor.here().features();
    assertThat(features.contains(Feature.AVX2_FMA))
        .isEqualTo(system.contains("avx2") && system.contains("fma") && system.contains("f16c"));
    assertThat(features.contains(Feature.AVX512))
        .isEqualTo(system.contains("avx512bw") && system.contains("avx512dq"));
    assertThat(features.contains(Feature.AVX512_VNNI)).isEqualTo(system.contains("avx512_vnni"));
    assertThat(features.contains(Feature.AVX_VNNI)).isEqualTo(system.contains("avx_vnni"));
    assertThat(features.contains(Feature.AVX512_BF16)).isEqualTo(system.contains("avx512_bf16"));
    assertThat(features.contains(Feature.AMX_INT8)).isEqualTo(system.contains("amx_int8"));
    assertThat(features.contains(Feature.AMX_BF16)).isEqualTo(system.contains("amx_bf16"));
  }

  /** Every operand ends where memory ends: a byte too far would end the process. */
  @Test
  void staysWithinItsSegments() {
    ProductKernel product = X86Code.here().code().product();
    Random random = new Random(1);
    for (int round = 0; round < 300; round++) {
      int rows = 1 + random.nextInt(3 * product.height());
      int depth = 1 + random.nextInt(70);
      int aStride = 4 * (depth + random.nextInt(5));
      int row = 4 * product.columns();
      int cStride = row + 4 * random.nextInt(5);
      try (GuardedMemory a = new GuardedMemory((rows - 1L) * aStride + 4L * depth);
          GuardedMemory b = new GuardedMemory((long) depth * row);
          GuardedMemory c = new GuardedMemory((rows - 1L) * cStride + row);
          GuardedMemory start = new GuardedMemory(row)) {
        product.run(
            a.segment(), aStride, b.segment(), c.segment(), cStride, rows, depth, start.segment());
        for (ActivationKernel activation : X86Code.here().code().activations()) {
          activation.run(c.segment(), c.segment().byteSize() / 4);
        }
        assertThatThrownBy(
                () ->
                    product.run(
                        a.segment().asSlice(4),
                        aStride,
                        b.segment(),
                        c.segment(),
                        cStride,
                        rows,
                        depth,
                        start.segment()))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }

  @Test
  void widensWithinItsSegments() {
    int columns = X86Code.here().code().product().columns();
    Widening widening = X86Code.here().code().widening();
    for (Widening.Form form : Widening.forms()) {
      WideningKernel kernel = widening.kernel(form);
      for (int features = 2; features < 10; features += 2) {
        int numbers = features * columns;
        long bytes = (long) numbers * form.source().bytes() / form.source().features();
        int shiftBytes = form.shift().bytes(columns);
        try (GuardedMemory data = new GuardedMemory(bytes);
            GuardedMemory out = new GuardedMemory(4L * numbers);
            GuardedMemory scales = new GuardedMemory(4L * columns);
            GuardedMemory shifts = new GuardedMemory(shiftBytes)) {
          kernel.run(data.segment(), out.segment(), features, scales.segment(), shifts.segment());
          int more = features + 1;
          assertThatThrownBy(
                  () ->
                      kernel.run(
                          data.segment(), out.segment(), more, scales.segment(), shifts.segment()))
              .isInstanceOf(IndexOutOfBoundsException.class);
        }
      }
    }
  }

  @Test
  void multipliesFewRowsWithinItsSegments() {
    int columns = X86Code.here().code().product().columns();
    Widening widening = X86Code.here().code().widening();
    int depth = 40;
    int group = 16; // the last one is half as long
    int groups = 3;
    for (Widening.Form form : Widening.forms()) {
      for (int rows = 1; rows <= FewRowsKernel.MOST_ROWS; rows++) {
        FewRowsKernel kernel = widening.fewRows(form, rows);
        long numbers = (long) depth * columns;
        int shiftBytes = (groups - 1) * form.shift().stride(columns) + form.shift().bytes(columns);
        try (GuardedMemory a = new GuardedMemory(4L * rows * depth);
            GuardedMemory data =
                new GuardedMemory(numbers * form.source().bytes() / form.source().features());
            GuardedMemory c = new GuardedMemory(4L * rows * columns);
            GuardedMemory start = new GuardedMemory(4L * columns);
            GuardedMemory scales = new GuardedMemory(4L * groups * columns);
            GuardedMemory shifts = new GuardedMemory(shiftBytes)) {
          kernel.run(
              a.segment(),
              4L * depth,
              data.segment(),
              c.segment(),
              4L * columns,
              start.segment(),
              scales.segment(),
              shifts.segment(),
              depth,
              form.source().scaled() ? group : depth);
        }
      }
    }
  }

  @Test
  void namesTheCodeThatAnAddressBelongsTo() {
    assertThat(CodeMemory.names().values()).anyMatch(name -> name.startsWith("product-f32-"));
  }
}
