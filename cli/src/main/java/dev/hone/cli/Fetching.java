package dev.hone.cli;

import dev.hone.hub.Progress;
import dev.hone.measure.Units;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;

/** Says once for each file that it is being fetched, and on a terminal how far it has come. */
final class Fetching implements Progress {
  private static final Duration QUIET = Duration.ofSeconds(5);

  private final Terminal terminal;
  private final boolean tellsShare;
  private final Set<String> named = new HashSet<>();
  private long lastLine;

  Fetching(Terminal terminal, boolean tellsShare) {
    this.terminal = terminal;
    this.tellsShare = tellsShare;
  }

  @Override
  public void update(String file, long done, long total) {
    if (named.add(file)) {
      terminal.note("fetching " + file + (total > 0 ? " (" + Units.bytes(total) + ")" : ""));
      lastLine = System.nanoTime();
    } else if (tellsShare && total > 0 && System.nanoTime() - lastLine >= QUIET.toNanos()) {
      terminal.note("fetching " + file + ": " + 100 * done / total + " %");
      lastLine = System.nanoTime();
    }
  }
}
