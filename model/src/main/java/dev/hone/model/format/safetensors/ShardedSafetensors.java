package dev.hone.model.format.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Several safetensors files and the index that says which tensor lies in which: {@code
 * model.safetensors.index.json} with {@code "weight_map": {name: file}}. The files lie beside the
 * index; a name that leads elsewhere is refused.
 */
public final class ShardedSafetensors implements Checkpoint {
  private final String source;
  private final Map<String, Safetensors> shards;

  private ShardedSafetensors(String source, Map<String, Safetensors> shards) {
    this.source = source;
    this.shards = shards;
  }

  /** Maps every file that the index names, for as long as the arena lives. */
  public static ShardedSafetensors open(Path index, Arena arena) {
    Config config = Config.read(index);
    Config weightMap =
        config
            .object("weight_map")
            .orElseThrow(() -> new FormatException(index + ": weight_map is missing"));
    Map<String, Safetensors> files = new HashMap<>();
    Map<String, Safetensors> shards = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> place : weightMap.json().properties()) {
      String name = place.getKey();
      String file = weightMap.text(name);
      Safetensors shard = files.get(file);
      if (shard == null) {
        shard = Safetensors.open(beside(index, name, file), arena);
        files.put(file, shard);
      }
      if (!shard.names().contains(name)) {
        throw new FormatException(
            index
                + ": weight_map: tensor="
                + name
                + " is not in "
                + file
                + "; index and files belong to different models");
      }
      shards.put(name, shard);
    }
    return new ShardedSafetensors(index.toString(), shards);
  }

  private static Path beside(Path index, String tensor, String file) {
    try {
      Path name = Path.of(file);
      boolean plain = name.getNameCount() == 1 && name.equals(name.getFileName());
      if (plain && file.endsWith(".safetensors")) {
        return index.resolveSibling(name);
      }
    } catch (InvalidPathException e) {
      throw new FormatException(index + ": weight_map: tensor=" + tensor + ": not a file name", e);
    }
    throw new FormatException(
        index
            + ": weight_map: tensor="
            + tensor
            + ", file="
            + file
            + ": must be the name of a .safetensors file beside the index");
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public long fileBytes() {
    return shards.values().stream().distinct().mapToLong(Safetensors::fileBytes).sum();
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(shards.keySet());
  }

  @Override
  public Tensor tensor(String name) {
    Safetensors shard = shards.get(name);
    if (shard == null) {
      throw new FormatException(source + " has no tensor " + name);
    }
    return shard.tensor(name);
  }
}
