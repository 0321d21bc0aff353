package dev.hone.model.format.safetensors;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.DType.Plain;
import java.io.ByteArrayInputStream;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The JSON at the head of a safetensors file, checked against the bytes that follow it.
 *
 * @param tensors by name, in the order of their bytes
 */
record Header(Map<String, Entry> tensors, Map<String, String> metadata) {
  static final String METADATA = "__metadata__";

  /**
   * Above this no dimension is believed, so that no product of a dimension and a type overflows.
   */
  private static final long MAX_DIMENSION = 1L << 48;

  private static final int MAX_RANK = 32;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(4)
                  .maxNameLength(4096)
                  .maxNumberLength(20)
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          // A table of names shared by all files could be filled by a hostile one.
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .build();

  /**
   * A tensor's place: bytes {@code begin} to {@code end} of the data, whose type may be unknown.
   */
  record Entry(String dtype, long[] shape, long begin, long end) {}

  /** The type of that name, where we can hold it. */
  static Optional<Plain> plain(String name) {
    return Arrays.stream(Plain.values()).filter(p -> p.name().equals(name)).findFirst();
  }

  static Header parse(String source, byte[] json, long dataBytes) {
    // Decoded here, so that nothing but UTF-8 is guessed at.
    var text =
        new InputStreamReader(new ByteArrayInputStream(json), StandardCharsets.UTF_8.newDecoder());
    try (JsonParser parser = JSON.createParser(text)) {
      Header header = new HeaderParser(source, parser).header();
      return new Header(ordered(source, header.tensors(), dataBytes), header.metadata());
    } catch (CharacterCodingException | CharConversionException e) {
      throw new FormatException(source + ": the header is not UTF-8", e);
    } catch (JacksonException e) {
      throw new FormatException(source + ": the header is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new FormatException(source + ": the header cannot be read: " + e.getMessage(), e);
    }
  }

  private static Map<String, Entry> ordered(
      String source, Map<String, Entry> tensors, long dataBytes) {
    List<Map.Entry<String, Entry>> sorted = new ArrayList<>(tensors.entrySet());
    sorted.sort(
        Map.Entry.comparingByValue(
            Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end)));
    Map<String, Entry> ordered = LinkedHashMap.newLinkedHashMap(sorted.size());
    long end = 0;
    for (var named : sorted) {
      Entry entry = named.getValue();
      String what =
          source
              + ": tensor="
              + named.getKey()
              + ", data_offsets=["
              + entry.begin()
              + ", "
              + entry.end()
              + "]";
      if (entry.end() > dataBytes) {
        throw new FormatException(
            what
                + ", bytes in the file="
                + dataBytes
                + ": ends past the file; the download is probably incomplete");
      }
      if (entry.begin() != end) {
        throw new FormatException(
            what
                + ": "
                + (entry.begin() < end ? "overlaps another tensor" : "leaves a hole")
                + ", the tensor before ends at "
                + end);
      }
      end = entry.end();
      ordered.put(named.getKey(), entry);
    }
    if (end != dataBytes) {
      throw new FormatException(
          source
              + ": the tensors end at "
              + end
              + ", the data at "
              + dataBytes
              + ": bytes without a tensor");
    }
    return ordered;
  }

  /** Reads the tokens of one header. */
  private record HeaderParser(String source, JsonParser parser) {

    Header header() throws IOException {
      expect(parser.nextToken(), JsonToken.START_OBJECT, "the header", "an object");
      Map<String, Entry> tensors = new LinkedHashMap<>();
      Map<String, String> metadata = Map.of();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        expect(parser.nextToken(), JsonToken.START_OBJECT, name, "an object");
        if (name.equals(METADATA)) {
          metadata = metadata();
        } else {
          tensors.put(name, entry(name));
        }
      }
      if (parser.nextToken() != null) {
        throw new FormatException(source + ": text after the header's last brace");
      }
      return new Header(tensors, metadata);
    }

    private Map<String, String> metadata() throws IOException {
      Map<String, String> metadata = new LinkedHashMap<>();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        expect(parser.nextToken(), JsonToken.VALUE_STRING, METADATA + "." + key, "a text");
        metadata.put(key, parser.getText());
      }
      return java.util.Collections.unmodifiableMap(metadata);
    }

    private Entry entry(String name) throws IOException {
      String what = "tensor=" + name;
      String dtype = null;
      long[] shape = null;
      long[] offsets = null;
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        parser.nextToken();
        switch (field) {
          case "dtype" -> {
            expect(parser.currentToken(), JsonToken.VALUE_STRING, what + ", dtype", "a text");
            dtype = parser.getText();
          }
          case "shape" -> shape = numbers(what + ", shape", MAX_RANK, MAX_DIMENSION);
          case "data_offsets" -> offsets = numbers(what + ", data_offsets", 2, Long.MAX_VALUE);
          default -> throw new FormatException(source + ": " + what + ": unknown field " + field);
        }
      }
      if (dtype == null || shape == null || offsets == null) {
        throw new FormatException(
            source
                + ": "
                + what
                + ": dtype, shape and data_offsets are needed, "
                + (dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets")
                + " is missing");
      }
      if (offsets.length != 2 || offsets[0] > offsets[1]) {
        throw new FormatException(
            source
                + ": "
                + what
                + ", data_offsets="
                + Arrays.toString(offsets)
                + ": must be [begin, end]");
      }
      checkSize(what, dtype, shape, offsets[1] - offsets[0]);
      return new Entry(dtype, shape, offsets[0], offsets[1]);
    }

    private void checkSize(String what, String dtype, long[] shape, long bytes) {
      long size = plain(dtype).map(p -> (long) p.bytes()).orElse(0L);
      long product = 1;
      try {
        for (long dim : shape) {
          product = Math.multiplyExact(product, dim);
        }
        if (size == 0 || Math.multiplyExact(product, size) == bytes) {
          return;
        }
      } catch (ArithmeticException e) {
        throw new FormatException(
            source + ": " + what + ", shape=" + Arrays.toString(shape) + " is too large", e);
      }
      throw new FormatException(
          source
              + ": "
              + what
              + ", shape="
              + Arrays.toString(shape)
              + ", dtype="
              + dtype
              + ": takes "
              + product * size
              + " bytes, data_offsets give it "
              + bytes);
    }

    private long[] numbers(String what, int maxCount, long max) throws IOException {
      expect(parser.currentToken(), JsonToken.START_ARRAY, what, "a list of numbers");
      long[] numbers = new long[maxCount];
      int count = 0;
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        expect(parser.currentToken(), JsonToken.VALUE_NUMBER_INT, what, "a list of whole numbers");
        long number = parser.getLongValue();
        if (number < 0 || number > max || count == maxCount) {
          throw new FormatException(
              source
                  + ": "
                  + what
                  + ": at most "
                  + maxCount
                  + " numbers from 0 to "
                  + max
                  + " are allowed, number "
                  + count
                  + " is "
                  + number);
        }
        numbers[count++] = number;
      }
      return Arrays.copyOf(numbers, count);
    }

    private void expect(JsonToken token, JsonToken wanted, String what, String description) {
      if (token != wanted) {
        throw new FormatException(source + ": " + what + " must be " + description);
      }
    }
  }
}
