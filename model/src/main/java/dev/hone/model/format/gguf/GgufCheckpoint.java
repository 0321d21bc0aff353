package dev.hone.model.format.gguf;

import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.gguf.Change.Stacked;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A GGUF model as the checkpoint and config that it was converted from. Tensors are views of the
 * mapped file, but for those whose numbers llama.cpp's converter moved: they are put back where
 * they were when they are first asked for. A tensor without a name in the checkpoint keeps
 * llama.cpp's.
 */
public final class GgufCheckpoint implements Checkpoint {
  /** Tensors whose numbers are part of the config. */
  private static final Set<String> CONFIG =
      Set.of("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight");

  private static final int MOST_EXPERTS = 4096;

  private final Gguf gguf;
  private final Config config;
  private final Arena arena;
  private final Map<String, Place> places;
  private final Map<String, Tensor> changed = new HashMap<>();

  /** Where a tensor comes from, and what is undone. */
  private record Place(String gguf, Change change, int expert) {}

  private GgufCheckpoint(Gguf gguf, Config config, Map<String, Place> places, Arena arena) {
    this.gguf = gguf;
    this.config = config;
    this.places = Collections.unmodifiableMap(places);
    this.arena = arena;
  }

  /**
   * Maps a file, or all files of a split model where it is one of them.
   *
   * @param arena owns the mapped files and the tensors that were changed
   */
  public static GgufCheckpoint open(Path file, Arena arena) {
    return of(Gguf.open(file, arena), arena);
  }

  /** The checkpoint that a model was converted from. */
  public static GgufCheckpoint of(Gguf gguf, Arena arena) {
    Metadata metadata = gguf.metadata();
    String label = metadata.text("general.architecture");
    GgufArchitecture architecture =
        GgufArchitecture.of(label)
            .orElseThrow(
                () ->
                    metadata.wrong("general.architecture", "one of " + GgufArchitecture.labels()));
    if (gguf.tensors().isEmpty()) {
      throw new FormatException(gguf.source() + " has no tensors: it holds a vocabulary only");
    }
    Naming naming =
        Naming.of(
            architecture,
            MetadataConfig.heads(metadata, architecture),
            MetadataConfig.kvHeads(metadata, architecture));
    Map<String, Place> places = new LinkedHashMap<>();
    for (TensorEntry entry : gguf.tensors()) {
      if (!CONFIG.contains(entry.name())) {
        place(gguf.source(), entry, naming, places);
      }
    }
    return new GgufCheckpoint(gguf, MetadataConfig.config(gguf, architecture), places, arena);
  }

  private static void place(
      String source, TensorEntry entry, Naming naming, Map<String, Place> places) {
    Optional<Naming.Match> match = naming.checkpointName(entry.name());
    if (match.isEmpty()) {
      places.put(entry.name(), new Place(entry.name(), new Change.None(), -1));
    } else if (match.get().change() instanceof Stacked) {
      if (entry.shape().length != 3 || entry.shape()[0] > MOST_EXPERTS) {
        throw new FormatException(
            source
                + ": tensor="
                + entry.name()
                + ", shape="
                + Arrays.toString(entry.shape())
                + ": must be [expert, out, in] with at most "
                + MOST_EXPERTS
                + " experts");
      }
      for (int expert = 0; expert < entry.shape()[0]; expert++) {
        places.put(
            match.get().name().replace("#", String.valueOf(expert)),
            new Place(entry.name(), match.get().change(), expert));
      }
    } else {
      places.put(match.get().name(), new Place(entry.name(), match.get().change(), -1));
    }
  }

  /** The file itself, under llama.cpp's names. */
  public Gguf gguf() {
    return gguf;
  }

  @Override
  public Optional<Config> config() {
    return Optional.of(config);
  }

  @Override
  public String source() {
    return gguf.source();
  }

  @Override
  public long fileBytes() {
    return gguf.fileBytes();
  }

  @Override
  public Set<String> names() {
    return places.keySet();
  }

  @Override
  public boolean outputsFirst(String name) {
    return places.containsKey(name) && places.get(name).change instanceof Change.Transposed;
  }

  @Override
  public Tensor tensor(String name) {
    Place place = places.get(name);
    if (place == null) {
      throw new FormatException(source() + " has no tensor " + name);
    }
    Tensor tensor = gguf.tensor(place.gguf);
    return switch (place.change) {
      case Change.None _, Change.Transposed _ -> tensor;
      case Stacked _ -> expert(tensor, place);
      case Change change -> changed.computeIfAbsent(name, _ -> change.undo(name, tensor, arena));
    };
  }

  private static Tensor expert(Tensor stacked, Place place) {
    long bytes = stacked.data().byteSize() / stacked.dim(0);
    MemorySegment matrix = stacked.data().asSlice(place.expert * bytes, bytes);
    return Tensor.of(stacked.dtype(), matrix, stacked.dim(1), stacked.dim(2));
  }
}
