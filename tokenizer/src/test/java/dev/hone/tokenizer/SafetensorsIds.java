package dev.hone.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Just enough of a safetensors reader to fetch token ids from a golden file. */
final class SafetensorsIds {

  private final ByteBuffer bytes;
  private final JsonNode header;
  private final int data;

  SafetensorsIds(Path file) throws IOException {
    bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.toIntExact(bytes.getLong(0));
    header =
        new ObjectMapper().readTree(new String(bytes.array(), 8, length, StandardCharsets.UTF_8));
    data = 8 + length;
  }

  /** The I32 tensor of that name. */
  int[] ids(String name) {
    JsonNode offsets = header.get(name).get("data_offsets");
    int[] ids = new int[(offsets.get(1).intValue() - offsets.get(0).intValue()) / Integer.BYTES];
    bytes
        .slice(data + offsets.get(0).intValue(), ids.length * Integer.BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asIntBuffer()
        .get(ids);
    return ids;
  }
}
