package dev.hone.measure.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.measure.TaskException;
import dev.hone.measure.language.Windows.Part;
import dev.hone.measure.language.Windows.Window;
import org.junit.jupiter.api.Test;

class WindowsTest {
  private static final int ALL = Integer.MAX_VALUE;

  @Test
  void plainWindowsAreWholeAndScoreAllButTheFirstToken() {
    assertThat(new Windows(8, 8, ALL).of(27))
        .containsExactly(new Window(0, 8, 1), new Window(8, 16, 9), new Window(16, 24, 17));
    assertThat(new Windows(8, 8, 2).of(27)).hasSize(2);
    assertThat(new Windows(8, 8, ALL).of(8)).containsExactly(new Window(0, 8, 1));
  }

  @Test
  void stridedWindowsScoreEveryTokenOnce() {
    assertThat(new Windows(8, 3, ALL).of(13))
        .containsExactly(new Window(0, 8, 1), new Window(3, 11, 8), new Window(6, 13, 11));
    assertThat(new Windows(8, 3, ALL).of(11)).hasSize(2);
    int scored = new Windows(16, 5, ALL).of(1000).stream().mapToInt(Window::count).sum();
    assertThat(scored).isEqualTo(999);
  }

  /** Of a window of 512 the last 255 tokens are the second half, as llama.cpp counts them. */
  @Test
  void theSecondHalfHasMoreThanHalfAWindowBeforeIt() {
    int half = new Windows(512, 512, ALL).half();
    Window plain = new Window(512, 1024, 513);
    assertThat(plain.count() - plain.countBefore(half)).isEqualTo(255);
    assertThat(new Window(0, 512, 500).countBefore(half)).isZero();
    assertThat(new Window(0, 100, 1).countBefore(half)).isEqualTo(99);
  }

  @Test
  void partsReadEveryTokenButTheLastAndPartWhereScoringBegins() {
    assertThat(new Window(100, 110, 105).parts(3))
        .containsExactly(
            new Part(0, 3, false),
            new Part(3, 4, false),
            new Part(4, 7, true),
            new Part(7, 9, true));
    assertThat(new Window(0, 10, 1).parts(100)).containsExactly(new Part(0, 9, true));
  }

  @Test
  void whatCannotBeReadIsRefused() {
    assertThatThrownBy(() -> new Windows(3, 3, ALL)).isInstanceOf(TaskException.class);
    assertThatThrownBy(() -> new Windows(8, 9, ALL)).isInstanceOf(TaskException.class);
    assertThatThrownBy(() -> new Windows(8, 0, ALL)).isInstanceOf(TaskException.class);
    assertThatThrownBy(() -> new Windows(8, 8, 0)).isInstanceOf(TaskException.class);
    assertThatThrownBy(() -> new Windows(8, 8, ALL).of(7))
        .hasMessageContaining("the text has 7 tokens, a window 8");
  }
}
