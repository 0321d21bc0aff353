package dev.hone.tensor.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelCases;
import dev.hone.tensor.kernel.KernelCases.Values;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What masks, distances and pages mean, by cases that can be reckoned without attention. */
class ScalarAttentionTest {
  private final ComputePool pool = new ComputePool(1);
  private final ScalarKernels kernels = new ScalarKernels(pool);
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void close() {
    arena.close();
    pool.close();
  }

  /** Queries of zero weigh all keys that they see alike: the answer is those keys' mean value. */
  @Test
  void masksByTheMeanOfWhatIsSeen() {
    assertThat(means(AttentionMask.ALL, 4)).containsExactly(25, 25, 25, 25);
    assertThat(means(AttentionMask.CAUSAL, 4)).containsExactly(10, 15, 20, 25);
    assertThat(means(AttentionMask.causal(2), 4)).containsExactly(10, 15, 25, 35);
    assertThat(means(AttentionMask.around(1), 4)).containsExactly(15, 20, 30, 35);
    assertThat(means(AttentionMask.CAUSAL, 2)).containsExactly(20, 25);
    assertThat(means(AttentionMask.causal(2), 1)).containsExactly(35);
  }

  /** The last queries of four keys with the values 10, 20, 30, 40. */
  private float[] means(AttentionMask mask, int queries) {
    Tensor values = Tensor.copyOf(arena, new float[] {10, 20, 30, 40}, 4, 1);
    KeyValues keys = KeyValues.packed(like(4, 1), values, new int[] {0, 4});
    Tensor out = like(queries, 1);
    kernels.attention(
        like(queries, 1),
        new int[] {0, queries},
        keys,
        new AttentionShape(1, 1, 1, 1),
        mask,
        null,
        out);
    return out.toArray();
  }

  /** A bias of ln 3 on the next key, and on all further ones: it weighs three times as much. */
  @Test
  void biasGoesByDistance() {
    Tensor bias = Tensor.copyOf(arena, new float[] {0, 0, (float) Math.log(3)}, 1, 3);
    Tensor values = Tensor.copyOf(arena, new float[] {8, 16, 24}, 3, 1);
    Tensor out = like(3, 1);
    kernels.attention(
        like(3, 1),
        new int[] {0, 3},
        KeyValues.packed(like(3, 1), values, new int[] {0, 3}),
        new AttentionShape(1, 1, 1, 1),
        AttentionMask.ALL,
        bias,
        out);
    assertThat(out.get(0, 0)).isEqualTo((8 + 3 * 16 + 3 * 24) / 7f);
    assertThat(out.get(1, 0)).isEqualTo((8 + 16 + 3 * 24) / 5f);
    assertThat(out.get(2, 0)).isEqualTo(16);
  }

  /** Scores of 1000 and 0, capped at ln 3. */
  @Test
  void scoresAreCapped() {
    Tensor one = Tensor.copyOf(arena, new float[] {1000}, 1, 1);
    Tensor keys = Tensor.copyOf(arena, new float[] {1, 0}, 2, 1);
    Tensor values = Tensor.copyOf(arena, new float[] {4, 8}, 2, 1);
    Tensor out = like(1, 1);
    kernels.attention(
        one,
        new int[] {0, 1},
        KeyValues.packed(keys, values, new int[] {0, 2}),
        new AttentionShape(1, 1, 1, 1, (float) Math.log(3)),
        AttentionMask.CAUSAL,
        null,
        out);
    assertThat(out.get(0, 0)).isEqualTo((3 * 4 + 8) / 4f);
  }

  /** Keys in pages out of order give to the bit what the same keys give back to back. */
  @Test
  void pagesChangeNothing() {
    int rows = 40;
    Tensor k = KernelCases.tensor(arena, Values.NORMAL, 1, rows, 8);
    Tensor v = KernelCases.tensor(arena, Values.NORMAL, 2, rows, 8);
    Tensor q = KernelCases.tensor(arena, Values.NORMAL, 3, 12, 16);
    AttentionShape shape = new AttentionShape(4, 2, 4, 0.5f);
    int[] offsets = {0, 5, 12};
    KeyValues packed =
        new KeyValues(
            List.of(k),
            List.of(v),
            rows,
            new int[][] {{0}, {0}},
            new int[] {2, 22},
            new int[] {16, 9});
    // rows 0..9 as page 3, 10..19 as page 0, 20..29 as page 2, 30..39 as page 1
    KeyValues paged =
        new KeyValues(
            List.of(k.slice(10, 20), k.slice(30, 40), k.slice(20, 30), k.slice(0, 10)),
            List.of(v.slice(10, 20), v.slice(30, 40), v.slice(20, 30), v.slice(0, 10)),
            10,
            new int[][] {{3, 0}, {2, 1}},
            new int[] {2, 2},
            new int[] {16, 9});
    Tensor expected = like(12, 16);
    Tensor actual = like(12, 16);
    kernels.attention(q, offsets, packed, shape, AttentionMask.CAUSAL, null, expected);
    kernels.attention(q, offsets, paged, shape, AttentionMask.CAUSAL, null, actual);
    assertThat(actual.toArray()).isEqualTo(expected.toArray());
  }

  @Test
  void refusesFewerKeysThanQueries() {
    KeyValues keys = KeyValues.packed(like(3, 1), like(3, 1), new int[] {0, 3});
    assertThatThrownBy(
            () ->
                kernels.attention(
                    like(4, 1),
                    new int[] {0, 4},
                    keys,
                    new AttentionShape(1, 1, 1, 1),
                    AttentionMask.CAUSAL,
                    null,
                    like(4, 1)))
        .hasMessage("sequence 0 has 4 queries and only 3 keys");
    assertThatThrownBy(() -> KeyValues.packed(like(3, 1), like(3, 1), new int[] {0, 4}))
        .hasMessageContaining("sequence 0 of 4 keys does not fit its 1 pages of 3");
  }

  private Tensor like(long rows, long cols) {
    return Tensor.allocate(arena, Plain.F32, rows, cols);
  }
}
