package dev.hone.hub;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What the process finds around it that decides where models lie: environment and system
 * properties.
 */
record Surroundings(Map<String, String> environment, Map<String, String> properties) {

  static Surroundings ofProcess() {
    return new Surroundings(
        System.getenv(),
        Map.of(
            "user.home", System.getProperty("user.home"),
            "maven.repo.local", System.getProperty("maven.repo.local", "")));
  }

  /** A variable that is set and not empty. */
  Optional<String> variable(String name) {
    return Optional.ofNullable(environment.get(name)).filter(value -> !value.isBlank());
  }

  /** A property that is set and not empty. */
  Optional<String> property(String name) {
    return Optional.ofNullable(properties.get(name)).filter(value -> !value.isBlank());
  }

  Path home() {
    return Path.of(properties.get("user.home"));
  }

  /** {@code XDG_CACHE_HOME}, else {@code ~/.cache}. */
  Path cacheHome() {
    return variable("XDG_CACHE_HOME").map(Path::of).orElseGet(() -> home().resolve(".cache"));
  }

  /** Hone's own cache: {@code HONE_HOME}, else {@code hone} in the user's cache folder. */
  Path honeHome() {
    return variable("HONE_HOME").map(Path::of).orElseGet(() -> cacheHome().resolve("hone"));
  }
}
