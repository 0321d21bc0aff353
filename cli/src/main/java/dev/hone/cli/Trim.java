package dev.hone.cli;

import dev.hone.compress.VocabularyTrim;
import dev.hone.measure.TextTable;
import dev.hone.measure.Units;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone trim}: tokens that nobody needs taken away. */
@Command(
    name = "trim",
    mixinStandardHelpOptions = true,
    description = {
      "Keeps the tokens that your texts need, with special ones and single characters, and shrinks"
          + " embeddings, output head and tokenizer to them. Answers to these texts stay the same"
          + " bit by bit; other texts are cut into more tokens.",
      "For WordPiece and BPE in a tokenizer.json."
    },
    footer = {
      "",
      "Example:",
      "  hone trim minilm --texts texts.txt --held-out others.txt --out minilm-trimmed"
    })
final class Trim implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelName model;

  @Option(
      names = "--texts",
      paramLabel = "FILE",
      required = true,
      description = "Texts that are read as before, a line a text; - is standard input.")
  private String texts;

  @Option(
      names = "--held-out",
      paramLabel = "FILE",
      description = "Other texts, to tell how many of their tokens are cut otherwise.")
  private String heldOut;

  @Option(
      names = {"-o", "--out", "--output"},
      paramLabel = "FOLDER",
      required = true,
      description = "Where the model goes.")
  private Path target;

  @Option(
      names = "--json",
      description =
          "Print JSON: {tokensBefore, tokensAfter, bytesBefore, bytesAfter, heldOut,"
              + " cutOtherwise}.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    var terminal = Terminal.of(spec);
    List<String> others = heldOut == null ? List.of() : TextOptions.lines(heldOut);
    VocabularyTrim.Result result =
        new VocabularyTrim(model.resolve(terminal), model.name(), target)
            .run(TextOptions.lines(texts), others);
    if (json) {
      terminal.json(result);
      return 0;
    }
    var table = new TextTable(List.of("", "original", "made"), "lrr");
    table.row("tokens", "" + result.tokensBefore(), "" + result.tokensAfter());
    table.row("bytes", Units.bytes(result.bytesBefore()), Units.bytes(result.bytesAfter()));
    if (result.heldOut() > 0) {
      table.row(
          "tokens of " + heldOut + " cut otherwise",
          "",
          Units.percent(result.cutOtherwise() / (double) result.heldOut()));
    }
    terminal.out().println(table);
    terminal.out().println("model: " + target);
    return 0;
  }
}
