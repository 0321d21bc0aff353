package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.compress.quantize.Apportionment.Choice;
import dev.hone.tensor.DType.Block;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ApportionmentTest {
  private static final List<Block> TYPES =
      List.of(Block.Q4_0, Block.Q4_1, Block.Q5_0, Block.Q5_1, Block.Q8_0);

  private static List<List<Choice>> groups(int count, Random random) {
    List<List<Choice>> groups = new ArrayList<>();
    for (int g = 0; g < count; g++) {
      int size = 1 + random.nextInt(4);
      double weight = Math.exp(random.nextGaussian());
      List<Choice> choices = new ArrayList<>();
      for (Block type : TYPES) {
        double bits = 8.0 * type.bytes() / type.columns();
        double loss = weight * Math.pow(4, -bits) * (0.5 + random.nextDouble());
        choices.add(new Choice(type, (long) size * type.bytes(), loss));
      }
      groups.add(choices);
    }
    return groups;
  }

  private static double loss(List<Choice> chosen) {
    return chosen.stream().mapToDouble(Choice::loss).sum();
  }

  private static long bytes(List<Choice> chosen) {
    return chosen.stream().mapToLong(Choice::bytes).sum();
  }

  /** Of all that may be chosen, by trying it. */
  private static double best(List<List<Choice>> groups, int from, long bytes) {
    if (from == groups.size()) {
      return 0;
    }
    return groups.get(from).stream()
        .filter(c -> c.bytes() <= bytes)
        .mapToDouble(c -> c.loss() + best(groups, from + 1, bytes - c.bytes()))
        .min()
        .orElse(Double.POSITIVE_INFINITY);
  }

  @Test
  void nothingIsBetterForTheBytesThatItTakes() {
    for (int seed = 0; seed < 50; seed++) {
      var random = new Random(seed);
      List<List<Choice>> groups = groups(6, random);
      List<Choice> chosen = Apportionment.of(groups, 300 + random.nextInt(200));
      assertThat(bytes(chosen)).isLessThan(500);
      // A step that did not fit may be followed by smaller ones: then it is near the best.
      assertThat(loss(chosen)).isLessThanOrEqualTo(1.2 * best(groups, 0, bytes(chosen)));
    }
  }

  @Test
  void moreRoomIsNeverWorse() {
    List<List<Choice>> groups = groups(40, new Random(1));
    double before = Double.POSITIVE_INFINITY;
    for (long bytes = 2200; bytes < 4400; bytes += 100) {
      List<Choice> chosen = Apportionment.of(groups, bytes);
      assertThat(bytes(chosen)).isLessThanOrEqualTo(bytes);
      assertThat(loss(chosen)).isLessThanOrEqualTo(1.02 * before);
      before = loss(chosen);
    }
    assertThat(Apportionment.of(groups, 1 << 20)).extracting(Choice::type).containsOnly(Block.Q8_0);
  }

  @Test
  void refusesWhatHasNoRoom() {
    assertThatThrownBy(() -> Apportionment.of(groups(6, new Random(1)), 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("there is room for 10");
  }
}
