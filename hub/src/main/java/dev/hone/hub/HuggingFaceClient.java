package dev.hone.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/** Asks the Hugging Face hub: what a repository holds, what a file is, and its bytes. */
final class HuggingFaceClient {

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(15);
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(60);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(60);
  private static final int ATTEMPTS = 5;
  private static final int REDIRECTS = 5;
  private static final int MAX_LISTING_BYTES = 32 << 20;
  private static final Pattern ETAG = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HuggingFaceSettings settings;
  private final HttpClient http =
      HttpClient.newBuilder()
          .connectTimeout(CONNECT_TIMEOUT)
          .followRedirects(HttpClient.Redirect.NEVER) // the token must not travel along
          .build();

  HuggingFaceClient(HuggingFaceSettings settings) {
    this.settings = settings;
  }

  /** A commit and the names of its files. */
  record Listing(String commit, List<String> files) {}

  /**
   * A file of a commit: the name of its content, its size (-1 unknown), and where the bytes are.
   */
  record RemoteFile(String etag, long sizeBytes, URI location) {}

  Listing list(HuggingFaceName name) throws IOException {
    URI uri =
        settings
            .endpoint()
            .resolve("/api/models/" + name.id() + "/revision/" + encoded(name.revision()));
    HttpResponse<InputStream> answer = followed("GET", uri, OptionalLong.empty(), name, true);
    byte[] body;
    try (InputStream in = answer.body()) {
      body = in.readNBytes(MAX_LISTING_BYTES);
    }
    JsonNode json = JSON.readTree(body);
    String commit = json.path("sha").asText();
    if (!HuggingFaceCache.isCommit(commit)) {
      throw new HubException("Not an answer of a model hub: url=" + uri + ", sha=" + commit);
    }
    List<String> files = new ArrayList<>();
    for (JsonNode sibling : json.path("siblings")) {
      String file = sibling.path("rfilename").asText();
      if (!SafePath.isSafe(file)) {
        throw new HubException(
            "Refused a file name that leads elsewhere: " + name.id() + ", file=" + file);
      }
      files.add(file);
    }
    return new Listing(commit, files);
  }

  /** What a file is, without its bytes. */
  RemoteFile describe(HuggingFaceName name, String commit, String file) throws IOException {
    URI uri =
        settings.endpoint().resolve('/' + name.id() + "/resolve/" + commit + '/' + path(file));
    HttpResponse<InputStream> answer = followed("HEAD", uri, OptionalLong.empty(), name, false);
    answer.body().close();
    HttpHeaders headers = answer.headers();
    String etag =
        headers
            .firstValue("x-linked-etag")
            .or(() -> headers.firstValue("etag"))
            .map(value -> value.replaceFirst("^W/", "").replace("\"", ""))
            .orElse("");
    if (!ETAG.matcher(etag).matches()) {
      throw new HubException("The server names no content: url=" + uri + ", etag=" + etag);
    }
    long size =
        headers
            .firstValueAsLong("x-linked-size")
            .orElseGet(
                () ->
                    isRedirect(answer)
                        ? -1
                        : headers.firstValueAsLong("content-length").orElse(-1));
    URI location = isRedirect(answer) ? target(answer) : answer.uri();
    return new RemoteFile(etag, size, location);
  }

  /**
   * A file's bytes from an offset on; status 206 says that the server kept to it, 200 that it
   * starts anew.
   */
  HttpResponse<InputStream> bytes(HuggingFaceName name, RemoteFile file, long from)
      throws IOException {
    OptionalLong range = from > 0 ? OptionalLong.of(from) : OptionalLong.empty();
    return followed("GET", file.location(), range, name, true);
  }

  /** Pauses before another attempt; longer each time. */
  void pause(int attempt, Optional<String> retryAfter) {
    Duration pause = settings.backOff().multipliedBy(1L << Math.min(attempt, 10));
    if (retryAfter.isPresent() && retryAfter.get().matches("\\d{1,6}")) {
      pause = Duration.ofSeconds(Long.parseLong(retryAfter.get()));
    }
    try {
      Thread.sleep(pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HubException("Interrupted while waiting for " + settings.endpoint(), e);
    }
  }

  static int attempts() {
    return ATTEMPTS;
  }

  /** Follows redirects: all of them, or only those that stay with the endpoint. */
  private HttpResponse<InputStream> followed(
      String method, URI uri, OptionalLong from, HuggingFaceName name, boolean elsewhereToo)
      throws IOException {
    URI here = uri;
    for (int k = 0; k <= REDIRECTS; k++) {
      HttpResponse<InputStream> answer = answer(method, here, from);
      if (!isRedirect(answer)) {
        return checked(answer, name);
      }
      URI next = target(answer);
      if (!elsewhereToo && !isEndpoint(next)) {
        return answer;
      }
      if (here.getScheme().equals("https") && !next.getScheme().equals("https")) {
        throw new HubException(
            "Refused a redirect from https to " + next.getScheme() + ": url=" + here);
      }
      answer.body().close();
      here = next;
    }
    throw new HubException("Redirected more than " + REDIRECTS + " times: url=" + uri);
  }

  private HttpResponse<InputStream> answer(String method, URI uri, OptionalLong from)
      throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .timeout(ANSWER_TIMEOUT)
            .header("User-Agent", "hone")
            .method(method, HttpRequest.BodyPublishers.noBody());
    from.ifPresent(offset -> request.header("Range", "bytes=" + offset + '-'));
    if (settings.token().isPresent() && isEndpoint(uri)) {
      request.header("Authorization", "Bearer " + settings.token().get());
    }
    for (int attempt = 0; ; attempt++) {
      try {
        HttpResponse<InputStream> answer =
            http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        boolean mayPass = answer.statusCode() == 429 || answer.statusCode() >= 500;
        if (!mayPass || attempt == ATTEMPTS - 1) {
          return answer;
        }
        answer.body().close();
        pause(attempt, answer.headers().firstValue("retry-after"));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new HubException("Interrupted while asking " + uri, e);
      }
    }
  }

  private HttpResponse<InputStream> checked(HttpResponse<InputStream> answer, HuggingFaceName name)
      throws IOException {
    int status = answer.statusCode();
    if (status == 200 || status == 206 || status == 416) {
      return answer;
    }
    answer.body().close();
    String what =
        name.id() + '@' + name.revision() + ": status=" + status + ", url=" + answer.uri();
    String said =
        answer
            .headers()
            .firstValue("x-error-message")
            .map(message -> ", server says: " + message)
            .orElse("");
    String remedy =
        switch (status) {
          case 401, 403 ->
              settings.token().isPresent()
                  ? "; the token in HF_TOKEN may not read it: accept the model's licence on its"
                      + " page, or there is no such model"
                  : "; set HF_TOKEN to a token of yours and accept the model's licence on its page,"
                      + " or there is no such model";
          case 404 -> "; there is no such model, revision or file";
          case 429 -> "; too many requests, try again later";
          default -> "; try again later";
        };
    throw new HubException("Refused by the hub: " + what + said + remedy);
  }

  private boolean isEndpoint(URI uri) {
    URI endpoint = settings.endpoint();
    return endpoint.getScheme().equals(uri.getScheme())
        && endpoint.getHost().equalsIgnoreCase(uri.getHost())
        && endpoint.getPort() == uri.getPort();
  }

  private static boolean isRedirect(HttpResponse<?> answer) {
    return switch (answer.statusCode()) {
      case 301, 302, 303, 307, 308 -> true;
      default -> false;
    };
  }

  private static URI target(HttpResponse<?> answer) {
    String location = answer.headers().firstValue("location").orElse("");
    try {
      URI target = answer.uri().resolve(location);
      if (target.getHost() != null && !location.isEmpty()) {
        return target;
      }
    } catch (IllegalArgumentException _) {
      // said below
    }
    throw new HubException("Redirected to no URL: url=" + answer.uri() + ", location=" + location);
  }

  private static String path(String file) {
    return String.join(
        "/", List.of(file.split("/")).stream().map(HuggingFaceClient::encoded).toList());
  }

  private static String encoded(String part) {
    return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
