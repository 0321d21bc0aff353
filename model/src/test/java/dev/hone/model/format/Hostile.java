package dev.hone.model.format;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Damaged files: how they are made, and what a reader may do with them. */
public final class Hostile {
  public static final int MUTATIONS = 20_000;

  private static final long MAX_BYTES = 64L << 20;
  private static final long MAX_NANOS = 30_000_000_000L;
  private static final Pattern TOKEN =
      Pattern.compile("-?[0-9][0-9.eE+-]*|\"[^\"]*\"|true|false|null|[\\[\\]{},:]");

  private static final List<String> VALUES =
      List.of(
          "0",
          "-1",
          "1",
          "7",
          "8",
          "1.5",
          "1e999",
          "-0",
          "2147483648",
          "4294967297",
          "9223372036854775807",
          "9223372036854775808",
          "99999999999999999999999999999999",
          "null",
          "true",
          "\"\"",
          "\"F8_E4M3\"",
          "\"I8\"",
          "\"re:(.*)*x\"",
          "[]",
          "{}",
          "[[[]]]",
          "\"\\u0000\"");

  private Hostile() {}

  /** A reader under test: it returns, or throws a {@link FormatException}. */
  @FunctionalInterface
  public interface Reader {
    void read(SplittableRandom random, Arena arena) throws Exception;
  }

  /** Runs a reader on seeds 0 to 19,999, and says how many files it refused. */
  public static int refused(Reader reader, String... sources) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int refused = 0;
    for (int seed = 0; seed < MUTATIONS; seed++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      long start = System.nanoTime();
      try (Arena arena = Arena.ofConfined()) {
        reader.read(new SplittableRandom(seed), new Limited(arena));
      } catch (FormatException e) {
        refused++;
        assertThat(Arrays.stream(sources).anyMatch(e.getMessage()::contains))
            .as("seed %d: %s", seed, e.getMessage())
            .isTrue();
      } catch (Exception | Error e) {
        throw new AssertionError("seed " + seed + " of " + Arrays.toString(sources), e);
      }
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertThat(allocated).as("bytes on the heap, seed %d", seed).isLessThan(MAX_BYTES);
      assertThat(System.nanoTime() - start).as("nanoseconds, seed %d", seed).isLessThan(MAX_NANOS);
    }
    return refused;
  }

  /** A JSON text with one to three changes. */
  public static byte[] json(byte[] original, SplittableRandom random) {
    byte[] json = original;
    for (int change = random.nextInt(1, 4); change > 0 && json.length > 0; change--) {
      json = changed(json, random);
    }
    return json;
  }

  /** A safetensors file whose header is changed, and now and then its length too. */
  public static byte[] safetensors(byte[] original, SplittableRandom random) {
    int length = (int) ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN).getLong();
    byte[] header = json(Arrays.copyOfRange(original, 8, 8 + length), random);
    byte[] file = new byte[original.length - length + header.length];
    long written =
        switch (random.nextInt(16)) {
          case 0 -> random.nextLong();
          case 1 -> -1L >>> random.nextInt(64);
          case 2 -> header.length + random.nextInt(-9, 9);
          default -> header.length;
        };
    ByteBuffer.wrap(file)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(written)
        .put(header)
        .put(original, 8 + length, original.length - 8 - length);
    return random.nextInt(16) == 0 ? Arrays.copyOf(file, random.nextInt(file.length + 1)) : file;
  }

  private static byte[] changed(byte[] json, SplittableRandom random) {
    int at = random.nextInt(json.length);
    byte[] copy = json.clone();
    switch (random.nextInt(10)) {
      case 0 -> copy[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> copy[at] = (byte) random.nextInt();
      case 2 -> copy = Arrays.copyOf(json, at);
      case 3 -> copy = replaced(json, at, at, nested(random));
      default -> copy = tokenChanged(json, random);
    }
    return copy;
  }

  private static byte[] nested(SplittableRandom random) {
    return (random.nextBoolean() ? "[" : "{\"a\":")
        .repeat(1 << random.nextInt(14))
        .getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] tokenChanged(byte[] json, SplittableRandom random) {
    String text = new String(json, StandardCharsets.ISO_8859_1);
    List<MatchResult> tokens = new ArrayList<>();
    var matcher = TOKEN.matcher(text);
    // A window, so that long headers are not scanned whole 20,000 times.
    int from = Math.max(0, random.nextInt(json.length) - 1000);
    matcher.region(from, Math.min(json.length, from + 2000));
    while (matcher.find()) {
      tokens.add(matcher.toMatchResult());
    }
    if (tokens.isEmpty()) {
      return json;
    }
    MatchResult token = tokens.get(random.nextInt(tokens.size()));
    MatchResult other = tokens.get(random.nextInt(tokens.size()));
    byte[] replacement =
        switch (random.nextInt(6)) {
          case 0 -> new byte[0];
          case 1 -> other.group().getBytes(StandardCharsets.ISO_8859_1);
          case 2 -> numbered(token.group(), random).getBytes(StandardCharsets.ISO_8859_1);
          case 3 -> {
            // A whole run of tokens again: a duplicated key, a member moved elsewhere.
            int end = Math.max(token.start(), other.end());
            yield Arrays.copyOfRange(json, token.start(), end);
          }
          default ->
              VALUES.get(random.nextInt(VALUES.size())).getBytes(StandardCharsets.ISO_8859_1);
        };
    boolean insert = random.nextInt(4) == 0;
    return replaced(json, token.start(), insert ? token.start() : token.end(), replacement);
  }

  /** A number near the one that stands there, or its multiple. */
  private static String numbered(String token, SplittableRandom random) {
    try {
      long number = Long.parseLong(token);
      return Long.toString(
          switch (random.nextInt(4)) {
            case 0 -> number + random.nextInt(-8, 9);
            case 1 -> number * 2;
            case 2 -> number / 2;
            default -> -number;
          });
    } catch (NumberFormatException e) {
      return token;
    }
  }

  private static byte[] replaced(byte[] bytes, int from, int to, byte[] piece) {
    var out = new ByteArrayOutputStream();
    out.write(bytes, 0, from);
    out.writeBytes(piece);
    out.write(bytes, to, bytes.length - to);
    return out.toByteArray();
  }

  /** An arena that gives no more than a damaged file may ask for. */
  private static final class Limited implements Arena {
    private final Arena arena;
    private long bytes;

    Limited(Arena arena) {
      this.arena = arena;
    }

    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
      bytes += byteSize;
      assertThat(bytes).as("bytes outside the heap").isLessThan(MAX_BYTES);
      return arena.allocate(byteSize, byteAlignment);
    }

    @Override
    public MemorySegment.Scope scope() {
      return arena.scope();
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
