package dev.hone.cli;

import dev.hone.runtime.Encoder;
import dev.hone.runtime.Ranked;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code hone rerank}: a query and documents in, the documents by how well they answer it out. */
@Command(
    name = "rerank",
    mixinStandardHelpOptions = true,
    description = "Prints documents by how well they answer a query, best first.",
    footer = {
      "",
      "Example:",
      "  hone rerank minilm --query \"what is a fox\" \"A red animal.\" \"A boat.\""
    })
final class Rerank implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private TextOptions documents;

  @Parameters(index = "1..*", paramLabel = "TEXT", description = "The documents.")
  private List<String> arguments;

  @Option(names = "--query", required = true, description = "What the documents should answer.")
  private String query;

  @Option(names = "--top", description = "Print so many documents at most.")
  private Integer top;

  @Option(names = "--json", description = "Print JSON: an array of {index, score, text}.")
  private boolean json;

  /** A document in the ranking as JSON has it. */
  record Document(int index, float score, String text) {}

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    if (top != null && top < 1) {
      throw new WrongInput("--top=" + top + " must be at least 1");
    }
    List<String> texts = documents.texts(arguments);
    try (Encoder encoder = model.encoder(terminal)) {
      List<Ranked> ranking = encoder.rerank(query, texts);
      List<Document> shown =
          ranking.stream()
              .limit(top == null ? ranking.size() : top)
              .map(r -> new Document(r.index(), r.score(), texts.get(r.index())))
              .toList();
      if (json) {
        terminal.json(shown);
      } else {
        shown.forEach(
            d ->
                terminal
                    .out()
                    .println(
                        String.format(
                            Locale.ROOT, "%.4f  %d  %s", d.score(), d.index(), d.text())));
      }
    }
    return 0;
  }
}
