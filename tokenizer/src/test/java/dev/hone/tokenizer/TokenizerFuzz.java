package dev.hone.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A Jazzer target: any bytes are a tokenizer.json that encodes and decodes, or a {@link
 * TokenizerException}.
 */
public final class TokenizerFuzz {
  private static final String TEXT = "Hello [MASK] wörld 北京 12's\0 😀 ";
  private static final Path FOLDER = folder();

  private TokenizerFuzz() {}

  private static Path folder() {
    try {
      return Files.createTempDirectory("hone-fuzz");
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
    Files.write(FOLDER.resolve("tokenizer.json"), bytes);
    try (Tokenizer tokenizer = Tokenizer.load(FOLDER)) {
      tokenizer.decode(tokenizer.encode(TEXT, Tokenizer.UNLIMITED).ids(), true);
      tokenizer.encodePair(TEXT, TEXT, Tokenizer.UNLIMITED);
    } catch (TokenizerException e) {
      // What a damaged file deserves.
    }
  }
}
