package dev.hone.cli;

import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReader.Option;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;

/** Where the lines of a conversation come from: somebody at a terminal, or a pipe. */
sealed interface ChatLines extends AutoCloseable {
  /** The next line, with the lines that it goes on with; null at the end. */
  String read();

  /** Whether Ctrl-C was pressed since {@link #resume}. */
  boolean interrupted();

  /** Forgets an earlier Ctrl-C. */
  void resume();

  @Override
  void close() throws IOException;

  /** The terminal where standard input and output are one, else standard input. */
  static ChatLines open(Terminal terminal) throws IOException {
    if (Optional.ofNullable(System.console()).filter(Console::isTerminal).isEmpty()) {
      return new Pipe(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
    }
    return new Typed(TerminalBuilder.builder().system(true).dumb(true).build(), terminal);
  }

  /** Lines of standard input. */
  record Pipe(BufferedReader in) implements ChatLines {
    @Override
    public String read() {
      try {
        String line = in.readLine();
        while (line != null && line.endsWith("\\")) {
          String next = in.readLine();
          line = line.substring(0, line.length() - 1) + (next == null ? "" : "\n" + next);
        }
        return line;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public boolean interrupted() {
      return false;
    }

    @Override
    public void resume() {}

    @Override
    public void close() {}
  }

  /** Lines that are typed, with a history that outlives the program. */
  final class Typed implements ChatLines {
    private final org.jline.terminal.Terminal typed;
    private final LineReader reader;
    private final Terminal told;
    private final AtomicBoolean interrupted = new AtomicBoolean();

    Typed(org.jline.terminal.Terminal typed, Terminal told) {
      this.typed = typed;
      this.told = told;
      var parser = new DefaultParser();
      parser.setQuoteChars(new char[0]);
      parser.setEofOnEscapedNewLine(true);
      Path home = Path.of(System.getProperty("user.home"));
      this.reader =
          LineReaderBuilder.builder()
              .terminal(typed)
              .parser(parser)
              .option(Option.DISABLE_EVENT_EXPANSION, true)
              .variable(LineReader.HISTORY_FILE, home.resolve(".hone_history"))
              .variable(LineReader.SECONDARY_PROMPT_PATTERN, ". ")
              .build();
      typed.handle(Signal.INT, _ -> interrupted.set(true));
    }

    @Override
    public String read() {
      while (true) {
        try {
          return reader.readLine("> ").replace("\\\n", "\n");
        } catch (UserInterruptException e) {
          told.note("Ctrl-D or /exit ends");
        } catch (EndOfFileException e) {
          return null;
        }
      }
    }

    @Override
    public boolean interrupted() {
      return interrupted.get();
    }

    @Override
    public void resume() {
      interrupted.set(false);
    }

    @Override
    public void close() throws IOException {
      typed.close();
    }
  }
}
