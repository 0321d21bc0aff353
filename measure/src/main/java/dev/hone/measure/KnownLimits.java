package dev.hone.measure;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.model.format.FormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The limits of machines as they were measured, in a file: {@code limits.json}, one entry for a
 * processor, a number of threads and a tier of kernels.
 *
 * @param file need not exist yet
 */
public record KnownLimits(Path file) {
  private static final String NAME = "limits.json";

  /** Thousands of machines; more is no file of ours. */
  private static final long MOST_BYTES = 1 << 20;

  private static final JsonMapper JSON = new JsonMapper();

  /** Those that Hone keeps in its own folder. */
  public static KnownLimits in(Path folder) {
    return new KnownLimits(folder.resolve(NAME));
  }

  /**
   * What was remembered, if anything.
   *
   * @throws FormatException if the file is not one that {@link #remember} wrote
   */
  public Optional<MachineLimits> find(MachineLimits.Key key) {
    return all().stream().filter(limits -> limits.key().equals(key)).findFirst();
  }

  /** What was remembered, or what is measured now and remembered. */
  public MachineLimits findOrMeasure(int threads) {
    return find(MachineLimits.Key.here(threads))
        .orElseGet(
            () -> {
              MachineLimits measured = MachineLimits.measure(threads);
              remember(List.of(measured));
              return measured;
            });
  }

  /** Adds entries, in place of those of the same key. The file is written beside and renamed. */
  public void remember(List<MachineLimits> measured) {
    List<MachineLimits> all = new ArrayList<>(all());
    for (MachineLimits limits : measured) {
      all.removeIf(known -> known.key().equals(limits.key()));
      all.add(limits);
    }
    try {
      Path folder = file.toAbsolutePath().getParent();
      Files.createDirectories(folder);
      Path beside = Files.createTempFile(folder, NAME, ".part");
      try {
        Files.write(beside, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(all));
        Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(beside);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("limits cannot be remembered: file=" + file, e);
    }
  }

  private List<MachineLimits> all() {
    try {
      if (!Files.exists(file)) {
        return List.of();
      }
      long bytes = Files.size(file);
      if (bytes > MOST_BYTES) {
        throw broken("bytes=" + bytes + ", at most " + MOST_BYTES, null);
      }
      MachineLimits[] all = JSON.readValue(Files.readAllBytes(file), MachineLimits[].class);
      for (MachineLimits limits : all == null ? new MachineLimits[] {null} : all) {
        if (limits == null || !limits.plausible()) {
          throw broken("entry=" + limits, null);
        }
      }
      return Arrays.asList(all);
    } catch (JsonProcessingException e) {
      throw broken(e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException("limits cannot be read: file=" + file, e);
    }
  }

  private FormatException broken(String what, Exception cause) {
    return new FormatException(
        "remembered limits cannot be read: file=" + file + ", " + what + "; delete it", cause);
  }
}
