package dev.hone.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.StreamSupport;

/**
 * llama.cpp as npm carries it (node-llama-cpp), which fetches itself on first use. It picks its
 * library by the processor.
 *
 * @param folder {@code bench/llama.cpp}
 */
record LlamaCpp(Path folder) {

  /** The version of the package. */
  String version() throws IOException {
    JsonNode json = new JsonMapper().readTree(Files.readString(folder.resolve("package.json")));
    return "llama.cpp of node-llama-cpp " + json.at("/dependencies/node-llama-cpp").asText();
  }

  /** Median seconds of reading prompts and of going on, by the names of the tests. */
  ObjectNode seconds(Path model, int threads, int generated, List<Integer> prompts)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(folder.resolve("run").toString());
    command.add("speed");
    command.add(model.toString());
    command.add(Integer.toString(threads));
    command.add(Integer.toString(generated));
    prompts.forEach(prompt -> command.add(Integer.toString(prompt)));
    ObjectNode medians = new JsonMapper().createObjectNode();
    for (JsonNode line : SideProcess.lines(command)) {
      DoubleStream seconds =
          StreamSupport.stream(line.get("seconds").spliterator(), false)
              .mapToDouble(JsonNode::asDouble);
      double[] sorted = seconds.sorted().toArray();
      medians.put(line.get("test").asText(), sorted[sorted.length / 2]);
    }
    return medians;
  }
}
