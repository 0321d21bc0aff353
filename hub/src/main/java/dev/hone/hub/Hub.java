package dev.hone.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/**
 * Finds a model by its name and says in which folder, or which file, it lies; fetches it first if
 * it is not on this machine.
 *
 * <pre>
 *   ./my-model, model.gguf       a folder or file that exists, as it is
 *   minilm                       a built-in name
 *   hf:org/name@revision         a model of the Hugging Face hub; the revision may be left out
 *   hf:org/name/file.gguf        one file of it
 * </pre>
 */
public final class Hub {

  private final Surroundings surroundings;

  Hub(Surroundings surroundings) {
    this.surroundings = surroundings;
  }

  /**
   * The hub as the process's environment sets it up: {@code HONE_HOME}, {@code XDG_CACHE_HOME}, and
   * for the Hugging Face hub what its own programs read ({@code HF_HOME}, {@code HF_TOKEN}, {@code
   * HF_ENDPOINT}, {@code HF_HUB_OFFLINE}...).
   */
  public static Hub system() {
    return new Hub(Surroundings.ofProcess());
  }

  /** Names that need no folder. */
  public static List<String> builtInNames() {
    return BuiltIn.ALL.stream().map(BuiltIn::name).toList();
  }

  /** Hone's own cache folder; it need not exist yet. */
  public Path cache() {
    return surroundings.honeHome();
  }

  /**
   * The cache that is shared with other programs of the Hugging Face hub; it need not exist yet.
   */
  public Path huggingFaceCache() {
    return HuggingFaceSettings.cacheFolder(surroundings);
  }

  /**
   * The folder or file of a model. An existing path wins over a built-in name.
   *
   * @throws HubException if there is no such model or it cannot be fetched
   */
  public Path resolve(String name, Progress progress) {
    try {
      if (exists(name)) {
        return Path.of(name);
      }
      if (name.startsWith(HuggingFaceName.PREFIX)) {
        HuggingFaceSettings settings = HuggingFaceSettings.of(surroundings);
        return new HuggingFaceHub(settings).resolve(HuggingFaceName.parse(name), progress);
      }
      for (BuiltIn builtIn : BuiltIn.ALL) {
        if (builtIn.name().equals(name)) {
          return builtIn.folder(cache(), MavenSource.of(surroundings), progress);
        }
      }
    } catch (IOException e) {
      throw new HubException(
          "Model cannot be fetched: name=" + name + ", cache=" + cache() + ": " + e, e);
    }
    throw new HubException(
        "No such model: name="
            + name
            + "; tried: a file or folder of that name in "
            + Path.of("").toAbsolutePath()
            + ", built-in names "
            + builtInNames()
            + "; a model of the Hugging Face hub is written hf:org/name");
  }

  private static boolean exists(String name) {
    try {
      return !name.isBlank() && Files.exists(Path.of(name));
    } catch (InvalidPathException _) {
      return false;
    }
  }
}
