package dev.hone.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * What the variables that Hugging Face's own programs read say: {@code HF_ENDPOINT}, {@code
 * HF_HOME}, {@code HF_HUB_CACHE}, {@code HF_TOKEN}, {@code HF_TOKEN_PATH}, {@code HF_HUB_OFFLINE}.
 *
 * @param endpoint the hub, without a slash at its end
 * @param cache the folder that {@code models--org--name} lie in
 * @param token sent to the endpoint and to no other host
 * @param offline whether the network is not to be used
 * @param stall how long a connection may bring nothing before it is given up
 * @param backOff pause before the second attempt; doubled before each further one
 */
record HuggingFaceSettings(
    URI endpoint,
    Path cache,
    Optional<String> token,
    boolean offline,
    Duration stall,
    Duration backOff) {

  private static final String ENDPOINT = "https://huggingface.co";
  private static final Duration STALL = Duration.ofSeconds(60);
  private static final Set<String> TRUE = Set.of("1", "on", "yes", "true");

  static HuggingFaceSettings of(Surroundings surroundings) throws IOException {
    String endpoint = surroundings.variable("HF_ENDPOINT").orElse(ENDPOINT).replaceAll("/+$", "");
    URI uri;
    try {
      uri = URI.create(endpoint);
    } catch (IllegalArgumentException e) {
      throw new HubException("HF_ENDPOINT is no URL: " + endpoint, e);
    }
    if (uri.getHost() == null) {
      throw new HubException("HF_ENDPOINT is no URL: " + endpoint);
    }
    boolean offline =
        surroundings
            .variable("HF_HUB_OFFLINE")
            .filter(value -> TRUE.contains(value.toLowerCase(Locale.ROOT)))
            .isPresent();
    return new HuggingFaceSettings(
        uri, cacheFolder(surroundings), token(surroundings), offline, STALL, Duration.ofSeconds(1));
  }

  /** Where the hub's own programs keep models. */
  static Path cacheFolder(Surroundings surroundings) {
    return surroundings
        .variable("HF_HUB_CACHE")
        .map(Path::of)
        .orElseGet(() -> home(surroundings).resolve("hub"));
  }

  private static Path home(Surroundings surroundings) {
    return surroundings
        .variable("HF_HOME")
        .map(Path::of)
        .orElseGet(() -> surroundings.cacheHome().resolve("huggingface"));
  }

  private static Optional<String> token(Surroundings surroundings) throws IOException {
    Optional<String> token = surroundings.variable("HF_TOKEN");
    Path file =
        surroundings
            .variable("HF_TOKEN_PATH")
            .map(Path::of)
            .orElseGet(() -> home(surroundings).resolve("token"));
    if (token.isEmpty() && Files.isReadable(file)) {
      token = Optional.of(Files.readString(file));
    }
    return token.map(String::strip).filter(text -> !text.isEmpty());
  }
}
