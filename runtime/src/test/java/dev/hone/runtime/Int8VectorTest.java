package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class Int8VectorTest {

  private static float[] random(int size, long seed) {
    var random = new Random(seed);
    float[] vector = new float[size];
    for (int i = 0; i < size; i++) {
      vector[i] = (float) random.nextGaussian();
    }
    return vector;
  }

  @Test
  void everyNumberIsNearerThanHalfAStep() {
    for (int size : new int[] {1, 13, 384, 1025}) {
      float[] vector = random(size, size);
      Int8Vector rounded = Int8Vector.of(vector);
      float[] again = rounded.floats();
      int most = 0;
      for (int i = 0; i < size; i++) {
        assertThat(again[i]).isCloseTo(vector[i], within(rounded.scale() * 0.5001f));
        most = Math.max(most, Math.abs(rounded.q()[i]));
      }
      assertThat(most).isEqualTo(127);
    }
  }

  @Test
  void comparesAsItsNumbersDo() {
    float[] a = random(384, 1);
    float[] b = random(384, 2);
    Int8Vector x = Int8Vector.of(a);
    Int8Vector y = Int8Vector.of(b);
    float dot = Similarity.dot(x.floats(), y.floats());
    assertThat(Int8Vector.dot(x, y)).isCloseTo(dot, within(1e-3f));
    assertThat(Int8Vector.cosine(x, y)).isCloseTo(Similarity.cosine(a, b), within(0.005f));
    assertThat(Int8Vector.cosine(x, x)).isEqualTo(1);
  }

  @Test
  void zerosStayAndTiesGoToEven() {
    Int8Vector zero = Int8Vector.of(new float[3]);
    assertThat(zero).isEqualTo(new Int8Vector(new byte[3], 0));
    assertThat(Int8Vector.cosine(zero, zero)).isZero();
    assertThat(Int8Vector.of(new float[] {127, -127, 0.5f, 1.5f, -2.5f}).q())
        .containsExactly(127, -127, 0, 2, -2);
    assertThat(Int8Vector.of(new float[] {Float.MIN_VALUE, -Float.MIN_VALUE}).q())
        .containsExactly(127, -127);
  }

  @Test
  void refusesWhatItCannotDo() {
    assertThatThrownBy(() -> Int8Vector.of(new float[] {1, Float.NaN}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("NaN");
    Int8Vector two = Int8Vector.of(new float[2]);
    assertThatThrownBy(() -> Int8Vector.dot(two, Int8Vector.of(new float[3])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("vectors of 2 and 3 numbers");
  }

  @Test
  void whatIsShortenedIsAsLongAsTheWhole() {
    float[] vector = random(384, 5);
    float[] first = Matryoshka.shortened(vector, 128);
    assertThat(first).hasSize(128);
    assertThat(Math.sqrt(Similarity.dot(first, first)))
        .isCloseTo(Math.sqrt(Similarity.dot(vector, vector)), within(1e-4));
    assertThat(first[1] / first[0]).isCloseTo(vector[1] / vector[0], within(1e-4f));
    assertThat(Matryoshka.shortened(vector, 384)).containsExactly(vector);
    assertThat(Matryoshka.shortened(new float[] {0, 0, 1}, 2)).containsExactly(0, 0);
    assertThatThrownBy(() -> Matryoshka.shortened(vector, 385))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dimensions=385: the vectors have from 1 to 384");
  }
}
