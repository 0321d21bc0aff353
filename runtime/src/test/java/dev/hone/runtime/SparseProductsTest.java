package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.model.Batch;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Models with many zeros: what is measured to be faster runs, and answers the same. */
class SparseProductsTest {
  private static final int MILLIS = 3;

  private final Arena arena = Arena.ofShared();
  private final ComputePool pool = new ComputePool(2);
  private final Kernels kernels = KernelTier.VECTOR.create(pool);
  private final Batch batch = Batch.of(List.of(new Random(1).ints(9, 0, 256).toArray()));
  private final Transformer model = withZeros(SeededModels.of("llama", arena), 0.6);

  @AfterEach
  void close() {
    pool.close();
    arena.close();
  }

  /** Layers' numbers in F32, a share of them zero. */
  private Transformer withZeros(Transformer dense, double share) {
    Random random = new Random(3);
    return dense.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            Tensor numbers = Layouts.encode(layer.weight().tensor(), Plain.F32, arena);
            for (long i = 0; i < numbers.size(); i++) {
              if (random.nextDouble() < share) {
                numbers.data().set(Tensor.FLOAT, i * Float.BYTES, 0);
              }
            }
            return layer.with(numbers);
          }
        });
  }

  /** The same kernels, with products of one kind that take their time. */
  private Kernels slow(boolean sparse) {
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (_, method, arguments) -> {
              if (method.getName().equals("linear")
                  && arguments[1] instanceof PackedMatrix weight
                  && weight.sparse() == sparse) {
                Thread.sleep(MILLIS);
              }
              try {
                return method.invoke(kernels, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private void answersAsBefore(Engine engine) {
    try (Engine dense = new Engine(model, kernels)) {
      float[][] expected = dense.run(batch);
      float[][] found = engine.run(batch);
      for (int row = 0; row < expected.length; row++) {
        for (int i = 0; i < expected[row].length; i++) {
          assertThat(found[row][i]).isCloseTo(expected[row][i], within(1e-4f));
        }
      }
    }
  }

  @Test
  void zerosAreLeftOutWhereThatIsFaster() {
    try (Engine dense = new Engine(model, kernels);
        Engine engine = Engine.measured(model, slow(false), ActivationType.F32)) {
      assertThat(engine.sparseProducts())
          .isNotEmpty()
          .allMatch(SparseProducts::used)
          .allSatisfy(
              products -> {
                assertThat(products.zeros()).isBetween(0.5, 0.7);
                assertThat(products.rows()).isEqualTo(1);
                assertThat(products.sparseBytes()).isLessThan(products.denseBytes());
                assertThat(products.text()).contains("sparse is used");
              });
      assertThat(engine.sizeBytes()).isLessThan(dense.sizeBytes());
      answersAsBefore(engine);
    }
  }

  @Test
  void denseProductsStayWhereTheyAreFaster() {
    try (Engine engine = Engine.measured(model, slow(true), ActivationType.F32)) {
      assertThat(engine.sparseProducts())
          .isNotEmpty()
          .noneMatch(SparseProducts::used)
          .allSatisfy(products -> assertThat(products.text()).contains("dense is used"));
      answersAsBefore(engine);
    }
  }

  @Test
  void kernelsWithoutSparseProductsAreSaidToHaveNone() {
    Kernels scalar = KernelTier.SCALAR.create(pool);
    try (Engine engine = Engine.measured(model, scalar, ActivationType.F32)) {
      assertThat(engine.sparseProducts())
          .isNotEmpty()
          .noneMatch(SparseProducts::used)
          .allSatisfy(products -> assertThat(products.text()).contains("no sparse product"));
      answersAsBefore(engine);
    }
  }

  @Test
  void fewZerosAreNotTried() {
    Transformer full = withZeros(SeededModels.of("llama", arena), 0.1);
    try (Engine engine = Engine.measured(full, kernels, ActivationType.F32)) {
      assertThat(engine.sparseProducts()).isEmpty();
    }
  }
}
