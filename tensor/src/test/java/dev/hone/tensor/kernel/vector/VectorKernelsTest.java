package dev.hone.tensor.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.Processor;
import dev.hone.tensor.kernel.TierTest;
import dev.hone.tensor.parallel.ComputePool;
import org.junit.jupiter.api.Test;

class VectorKernelsTest extends TierTest {

  @Override
  protected Kernels tier(ComputePool pool) {
    return new VectorKernels(pool);
  }

  @Test
  void runsAtTheWidthAskedFor() {
    int asked = Integer.getInteger("hone.vector.bits", 512);
    int most = Processor.here().vectorBits();
    assertThat(Vectors.FLOATS.vectorBitSize()).isEqualTo(most == 0 ? asked : Math.min(asked, most));
  }
}
