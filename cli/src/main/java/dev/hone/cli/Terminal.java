package dev.hone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.hub.Progress;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;

/** Where a command speaks: results to standard output, everything else to standard error. */
record Terminal(PrintWriter out, PrintWriter err) {
  /** Made when JSON is asked for: few commands are, and all would wait for it. */
  private static final class Json {
    static final JsonMapper MAPPER = new JsonMapper();
  }

  static Terminal of(CommandSpec command) {
    return new Terminal(command.commandLine().getOut(), command.commandLine().getErr());
  }

  void note(String line) {
    err.println(line);
  }

  void warn(String line) {
    err.println("warning: " + line);
  }

  void json(Object value) {
    try {
      out.println(Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Tells of what is fetched. */
  Progress fetching() {
    return new Fetching(this, Boolean.getBoolean("hone.terminal"));
  }
}
