package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.model.Batch;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every sequence is in one part, in order; threads have about as much to do. */
class BatchPartsTest {

  private static Batch batch(int... lengths) {
    return Batch.of(Arrays.stream(lengths).mapToObj(n -> IntStream.range(0, n).toArray()).toList());
  }

  private static List<Integer> tokens(List<Batch> parts) {
    return parts.stream().map(Batch::tokens).toList();
  }

  private static int[] same(int count, int length) {
    return IntStream.generate(() -> length).limit(count).toArray();
  }

  @Test
  void equalSequencesMakeEqualParts() {
    assertThat(tokens(BatchParts.of(batch(same(32, 128)), 2))).containsOnly(256).hasSize(16);
    assertThat(tokens(BatchParts.of(batch(same(32, 128)), 1))).containsOnly(256).hasSize(16);
    assertThat(tokens(BatchParts.of(batch(same(4, 128)), 2))).containsExactly(256, 256);
    assertThat(tokens(BatchParts.of(batch(same(2, 64)), 2))).containsExactly(64, 64);
  }

  @Test
  void whatWouldLeaveAThreadIdleStaysWhole() {
    for (int[] lengths : new int[][] {{128}, same(3, 128), same(4, 16), {2000, 20, 20}, {512}}) {
      Batch batch = batch(lengths);
      assertThat(BatchParts.of(batch, 2)).containsExactly(batch);
    }
    assertThat(tokens(BatchParts.of(batch(same(16, 64)), 32))).containsExactly(1024);
  }

  @Test
  void nothingIsLostOrMoved() {
    Random random = new Random(1);
    for (int i = 0; i < 500; i++) {
      int[] lengths = random.ints(1 + random.nextInt(80), 1, 1 + random.nextInt(300) + 1).toArray();
      Batch batch = batch(lengths);
      int threads = 1 + random.nextInt(8);
      List<Batch> parts = BatchParts.of(batch, threads);
      assertThat(parts.stream().flatMapToInt(p -> IntStream.of(p.ids())).toArray())
          .containsExactly(batch.ids());
      assertThat(parts.stream().flatMap(BatchPartsTest::lengths)).containsExactly(box(lengths));
      if (parts.size() > 1) {
        assertThat(parts.stream().mapToInt(Batch::tokens).max().orElseThrow())
            .isLessThanOrEqualTo(batch.tokens() * 9 / 8 / threads + 1);
      }
    }
  }

  private static Stream<Integer> lengths(Batch part) {
    return IntStream.range(0, part.sequences())
        .mapToObj(s -> part.offsets()[s + 1] - part.offsets()[s]);
  }

  private static Integer[] box(int[] numbers) {
    return Arrays.stream(numbers).boxed().toArray(Integer[]::new);
  }
}
