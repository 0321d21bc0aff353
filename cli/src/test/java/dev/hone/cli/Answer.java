package dev.hone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintWriter;
import java.io.StringWriter;

/** What Hone answered to a command line. */
record Answer(int code, String out, String err) {

  static Answer of(String... args) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code = Hone.run(new PrintWriter(out), new PrintWriter(err), args);
    return new Answer(code, out.toString(), err.toString());
  }

  /** Standard output, which must be JSON and nothing else. */
  JsonNode json() {
    try {
      return new JsonMapper().readTree(out);
    } catch (JsonProcessingException e) {
      throw new AssertionError("no JSON: " + this, e);
    }
  }
}
