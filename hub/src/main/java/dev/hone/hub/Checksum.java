package dev.hone.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A file's checksum in hexadecimal, in the two ways that model hubs name content. */
final class Checksum {

  private static final int CHUNK = 1 << 20;

  private Checksum() {}

  static String sha256(Path file) throws IOException {
    return digest(digest("SHA-256"), file);
  }

  /** What git calls a small file: SHA-1 over {@code blob <size>\0} and its bytes. */
  static String gitBlob(Path file) throws IOException {
    MessageDigest sha1 = digest("SHA-1");
    sha1.update(("blob " + Files.size(file) + '\0').getBytes(StandardCharsets.US_ASCII));
    return digest(sha1, file);
  }

  private static String digest(MessageDigest digest, Path file) throws IOException {
    byte[] chunk = new byte[CHUNK];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        digest.update(chunk, 0, n);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every JDK has " + algorithm, e);
    }
  }
}
