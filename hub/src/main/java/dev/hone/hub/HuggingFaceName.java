package dev.hone.hub;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A name of the Hugging Face hub: {@code org/name}, with {@code @revision} (a branch, tag or
 * commit; {@code main} if none) and, to mean one file of the repository, {@code
 * org/name/path/file}.
 */
record HuggingFaceName(String id, String revision, Optional<String> file) {

  static final String PREFIX = "hf:";

  private static final Pattern PART = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}");

  static HuggingFaceName parse(String name) {
    String rest = name.substring(PREFIX.length());
    int at = rest.indexOf('@');
    String path = at < 0 ? rest : rest.substring(0, at);
    String revision = at < 0 ? "main" : rest.substring(at + 1);
    String[] parts = path.split("/", 3);
    boolean valid = SafePath.isSafe(revision);
    for (int k = 0; k < Math.min(2, parts.length); k++) {
      valid &= PART.matcher(parts[k]).matches() && !parts[k].contains("--");
    }
    valid &= parts.length < 3 || SafePath.isSafe(parts[2]);
    if (!valid) {
      throw new HubException(
          "Not a name of the Hugging Face hub: "
              + name
              + "; write hf:org/name, hf:org/name@revision or"
              + " hf:org/name/file");
    }
    String id = parts.length == 1 ? parts[0] : parts[0] + '/' + parts[1];
    return new HuggingFaceName(
        id, revision, parts.length < 3 ? Optional.empty() : Optional.of(parts[2]));
  }
}
