package dev.hone.cli;

import dev.hone.compress.Progress;
import java.time.Duration;
import java.util.function.Consumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Long work's progress: a bar with the time left on a terminal, a line now and then elsewhere. */
final class Bar implements Consumer<Progress>, AutoCloseable {
  private static final int STEPS = 1000;
  private static final Duration QUIET = Duration.ofSeconds(15);

  private final Terminal terminal;
  private final String task;
  private final ProgressBar bar;
  private final long began = System.nanoTime();
  private long lastLine;

  Bar(Terminal terminal, String task) {
    this.terminal = terminal;
    this.task = task;
    this.bar = Boolean.getBoolean("hone.terminal") ? drawn(task) : null;
    this.lastLine = System.nanoTime() - QUIET.toNanos();
  }

  private static ProgressBar drawn(String task) {
    return new ProgressBarBuilder()
        .setTaskName(task)
        .setInitialMax(STEPS)
        .setStyle(ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(500)
        .hideEta()
        .build();
  }

  @Override
  public void accept(Progress progress) {
    String left = progress.left().isZero() ? "" : ", " + words(progress.left()) + " left";
    if (bar != null) {
      bar.stepTo(Math.round(progress.share() * STEPS));
      bar.setExtraMessage(progress.what() + left);
    } else if (System.nanoTime() - lastLine >= QUIET.toNanos()) {
      lastLine = System.nanoTime();
      terminal.note(
          task + ": " + Math.round(100 * progress.share()) + " %, " + progress.what() + left);
    }
  }

  /** One of equally long steps is done. */
  void step(int done, int of, String what) {
    long each = (System.nanoTime() - began) / done;
    accept(
        new Progress(
            (double) done / of,
            what + " " + done + " of " + of,
            Duration.ofNanos(each * (of - done))));
  }

  private static String words(Duration left) {
    long seconds = left.toSeconds();
    return seconds < 90 ? seconds + " s" : (seconds + 30) / 60 + " min";
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
