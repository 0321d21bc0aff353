package dev.hone.tensor.layout;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The bytes of a tensor of a safetensors file, for goldens. */
final class Safetensors {
  private final byte[] file;
  private final int headerEnd;
  private final String header;

  Safetensors(Path path) throws IOException {
    file = Files.readAllBytes(path);
    headerEnd =
        8 + Math.toIntExact(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0));
    header = new String(file, 8, headerEnd - 8, StandardCharsets.UTF_8);
  }

  byte[] bytes(String name) {
    Matcher entry =
        Pattern.compile(
                "\"" + Pattern.quote(name) + "\":\\{[^}]*\"data_offsets\":\\[(\\d+),(\\d+)\\]")
            .matcher(header.replace(" ", ""));
    if (!entry.find()) {
      throw new IllegalArgumentException("no tensor " + name + " in " + header);
    }
    int from = headerEnd + Integer.parseInt(entry.group(1));
    int to = headerEnd + Integer.parseInt(entry.group(2));
    return java.util.Arrays.copyOfRange(file, from, to);
  }
}
