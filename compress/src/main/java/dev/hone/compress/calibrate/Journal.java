package dev.hone.compress.calibrate;

import dev.hone.compress.RecipeException;
import dev.hone.model.Block;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Weight;
import dev.hone.model.WeightMap;
import dev.hone.model.Widths;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.FileArena;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * The blocks that a walk has finished, a file each in a folder: written beside and renamed, so that
 * a walk that was killed goes on behind the last whole one and ends in the same bytes.
 *
 * <pre>
 *   key                       what is made of what: another walk begins anew
 *   block-00007.safetensors   the weights of block 7 that were changed:
 *     NAME          plain numbers
 *     NAME.data     bytes of a quantized weight, NAME.scales, NAME.zeros; its type stands in the metadata
 *   there, too, stands LAYER.input: how it is read, and of a static grid its step and its zero;
 *     LAYER.factors  what that grid's columns are multiplied with
 * </pre>
 *
 * What stands there is mapped, and what it was made in is given up.
 */
public final class Journal {
  private static final Pattern OWN = Pattern.compile("key|room|\\.?block-\\d{5}\\.safetensors.*");
  private static final String DATA = ".data";
  private static final String SCALES = ".scales";
  private static final String ZEROS = ".zeros";
  private static final String INPUT = ".input";
  private static final String FACTORS = ".factors";

  /** Keeps nothing: for walks that change nothing. */
  public static final Journal NONE = new Journal(Optional.empty(), null);

  private final Optional<Path> folder;
  private final Arena arena;

  private Journal(Optional<Path> folder, Arena arena) {
    this.folder = folder;
    this.arena = arena;
  }

  /**
   * Opens a journal.
   *
   * @param folder it stands in; empty: nothing is kept
   * @param key says what is made of what
   * @param arena that weights are mapped in; where nothing is kept, memory for them
   */
  public static Journal open(Optional<Path> folder, String key, Arena arena) {
    try {
      if (folder.isPresent()) {
        Path file = folder.get().resolve("key");
        if (Files.exists(folder.get()) && foreign(folder.get())) {
          throw new RecipeException(
              folder.get() + " is no journal of Hone's: name another folder, or remove it");
        }
        if (!Files.exists(file) || !Files.readString(file).equals(key)) {
          ModelWriter.delete(folder.get());
          Files.createDirectories(folder.get());
          Files.writeString(file, key);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Journal(folder, arena);
  }

  /** Whether there is anything that no walk has left, not even one that was killed. */
  private static boolean foreign(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.anyMatch(file -> !OWN.matcher(file.getFileName().toString()).matches());
    }
  }

  private static Path file(Path folder, int block) {
    return folder.resolve(String.format("block-%05d.safetensors", block));
  }

  /**
   * A block that stands in the journal, or what is made of it now.
   *
   * @param make makes it, of weights in an arena
   */
  Block block(int index, Block original, Function<Arena, Block> make) {
    if (folder.isEmpty()) {
      return make.apply(arena);
    }
    if (!Files.exists(file(folder.get(), index))) {
      try (Arena own = Arena.ofShared()) {
        write(index, original, make.apply(own), own);
      }
    }
    return read(index, original);
  }

  /**
   * Room for what a walk needs while it runs: in the folder's file system, where there is a folder.
   */
  Arena room() {
    try {
      return folder.isEmpty() ? Arena.ofShared() : new FileArena(folder.get().resolve("room"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Block read(int index, Block original) {
    Safetensors stored = Safetensors.open(file(folder.orElseThrow(), index), arena);
    return Widths.fitted(
        original.map(
            new WeightMap() {
              @Override
              public Weight of(Weight weight) {
                return tensor(stored, weight).map(weight::with).orElse(weight);
              }

              @Override
              public Input input(Linear layer) {
                return Journal.input(stored, layer).orElse(layer.input());
              }
            }));
  }

  private void write(int index, Block original, Block changed, Arena own) {
    Map<String, Tensor> before = weights(original);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Map<String, String> types = new HashMap<>();
    weights(changed)
        .forEach(
            (name, tensor) -> {
              if (before.get(name) != tensor) {
                put(name, tensor, tensors, types);
              }
            });
    changed.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            String grid = "";
            if (layer.input() instanceof StaticInt8(float scale, int zero, ColumnFactors factors)) {
              grid = " " + scale + " " + zero;
              float[] all = factors.toArray();
              if (!factors.none()) {
                tensors.put(layer.name() + FACTORS, Tensor.copyOf(own, all, all.length));
              }
            }
            types.put(layer.name() + INPUT, layer.input().label() + grid);
            return layer;
          }
        });
    try {
      SafetensorsWriter.write(file(folder.get(), index), tensors, types);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void put(
      String name, Tensor tensor, Map<String, Tensor> tensors, Map<String, String> types) {
    if (tensor.dtype() instanceof Plain) {
      tensors.put(name, tensor);
      return;
    }
    types.put(name, tensor.dtype().label() + " " + tensor.rows() + " " + tensor.cols());
    tensors.put(name + DATA, Tensor.of(Plain.U8, tensor.data(), tensor.data().byteSize()));
    if (tensor.scales() != null) {
      tensors.put(name + SCALES, tensor.scales());
    }
    if (tensor.zeros() != null) {
      tensors.put(name + ZEROS, tensor.zeros());
    }
  }

  private static Optional<Tensor> tensor(Safetensors stored, Weight weight) {
    String name = weight.name();
    String type = stored.metadata().get(name);
    if (type == null) {
      return stored.names().contains(name) ? Optional.of(stored.tensor(name)) : Optional.empty();
    }
    List<String> words = List.of(type.split(" "));
    DType dtype = DType.of(words.get(0));
    long rows = Long.parseLong(words.get(1));
    long cols = Long.parseLong(words.get(2));
    Tensor data = stored.tensor(name + DATA);
    return Optional.of(
        dtype instanceof Affine affine
            ? Tensor.affine(
                affine,
                data.data(),
                rows,
                cols,
                stored.tensor(name + SCALES),
                affine.symmetric() ? null : stored.tensor(name + ZEROS))
            : Tensor.of(dtype, data.data(), rows, cols));
  }

  private static Optional<Input> input(Safetensors stored, Linear layer) {
    return Optional.ofNullable(stored.metadata().get(layer.name() + INPUT))
        .map(text -> text.split(" "))
        .map(
            words ->
                words[0].equals(StaticInt8.LABEL)
                    ? new StaticInt8(
                        Float.parseFloat(words[1]),
                        Integer.parseInt(words[2]),
                        factors(stored, layer.name() + FACTORS))
                    : Input.of(words[0]));
  }

  private static ColumnFactors factors(Safetensors stored, String name) {
    return stored.names().contains(name)
        ? ColumnFactors.of(stored.tensor(name).toArray())
        : ColumnFactors.NONE;
  }

  private static Map<String, Tensor> weights(Block block) {
    Map<String, Tensor> all = new LinkedHashMap<>();
    block.map(
        (WeightMap)
            weight -> {
              all.put(weight.name(), weight.tensor());
              return weight;
            });
    return all;
  }
}
