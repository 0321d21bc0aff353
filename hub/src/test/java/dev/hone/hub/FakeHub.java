package dev.hone.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * A server that speaks the protocol of the Hugging Face hub, with one repository {@code acme/tiny},
 * and a second one for large files, as the hub has. What goes wrong is set by the test.
 */
final class FakeHub implements AutoCloseable {

  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  /** Files of the repository; those ending in safetensors, onnx and bin are large ones. */
  final Map<String, byte[]> files = new TreeMap<>();

  /** Each request: method, path, range and whether a token came with it. */
  final List<String> requests = new CopyOnWriteArrayList<>();

  /** Names that the listing has besides the files. */
  final List<String> strayNames = new CopyOnWriteArrayList<>();

  /** Paths to statuses still to be answered before the real answer. */
  final Map<String, List<Integer>> refusals = new ConcurrentHashMap<>();

  /** Large files break off after so many bytes, once each. */
  final Map<String, Integer> breaks = new ConcurrentHashMap<>();

  /** Large files bring nothing more after so many bytes, once each. */
  final Map<String, Integer> stalls = new ConcurrentHashMap<>();

  /** Files whose bytes are not those that were promised. */
  final List<String> corrupt = new CopyOnWriteArrayList<>();

  boolean ranges = true;
  String requiredToken;

  private final CountDownLatch closed = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer hub;
  private final HttpServer store;

  FakeHub() throws IOException {
    hub = server("127.0.0.1", this::answer);
    store = server("127.0.0.1", this::answerStore);
  }

  String url() {
    return "http://127.0.0.1:" + hub.getAddress().getPort();
  }

  /** Requests whose path holds a text. */
  List<String> requests(String text) {
    return requests.stream().filter(request -> request.contains(text)).toList();
  }

  @Override
  public void close() {
    closed.countDown();
    hub.stop(0);
    store.stop(0);
    threads.shutdownNow();
  }

  private interface Handler {
    void handle(HttpExchange exchange) throws Exception;
  }

  private HttpServer server(String host, Handler handler) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(host), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            handler.handle(exchange);
          } catch (IOException e) {
            throw e;
          } catch (Exception e) {
            throw new IOException(e);
          }
        });
    server.setExecutor(threads);
    server.start();
    return server;
  }

  private void record(String server, HttpExchange exchange) {
    requests.add(
        server
            + ' '
            + exchange.getRequestMethod()
            + ' '
            + exchange.getRequestURI().getPath()
            + " range="
            + exchange.getRequestHeaders().getFirst("Range")
            + " token="
            + exchange.getRequestHeaders().getFirst("Authorization"));
  }

  private void answer(HttpExchange exchange) throws Exception {
    record("hub", exchange);
    String path = exchange.getRequestURI().getPath();
    List<Integer> refusal = refusals.get(path);
    if (refusal != null && !refusal.isEmpty()) {
      int status = refusal.removeFirst();
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    String token = exchange.getRequestHeaders().getFirst("Authorization");
    if (requiredToken != null && !("Bearer " + requiredToken).equals(token)) {
      exchange
          .getResponseHeaders()
          .set("X-Error-Message", "Access to model acme/tiny is restricted.");
      exchange.sendResponseHeaders(token == null ? 401 : 403, -1);
      return;
    }
    String resolve = "/acme/tiny/resolve/" + COMMIT + '/';
    if (path.equals("/api/models/acme/old-name/revision/main")) {
      exchange.getResponseHeaders().set("Location", "/api/models/acme/tiny/revision/main");
      exchange.sendResponseHeaders(307, -1);
    } else if (path.matches("/api/models/acme/tiny/revision/(main|v1|" + COMMIT + ")")) {
      send(exchange, 200, listing().getBytes(StandardCharsets.UTF_8));
    } else if (path.startsWith(resolve) && files.containsKey(path.substring(resolve.length()))) {
      file(exchange, path.substring(resolve.length()));
    } else {
      exchange.sendResponseHeaders(404, -1);
    }
  }

  private String listing() {
    List<String> names = new java.util.ArrayList<>(files.keySet());
    names.addAll(strayNames);
    return "{\"sha\":\""
        + COMMIT
        + "\",\"siblings\":["
        + names.stream()
            .map(name -> "{\"rfilename\":\"" + name + "\"}")
            .collect(Collectors.joining(","))
        + "]}";
  }

  private void file(HttpExchange exchange, String name) throws Exception {
    byte[] bytes = files.get(name);
    exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
    if (isLarge(name)) {
      exchange.getResponseHeaders().set("X-Linked-Size", "" + bytes.length);
      exchange.getResponseHeaders().set("X-Linked-Etag", '"' + hex("SHA-256", bytes) + '"');
      exchange.getResponseHeaders().set("ETag", "\"of-the-redirect\"");
      exchange
          .getResponseHeaders()
          .set("Location", "http://127.0.0.1:" + store.getAddress().getPort() + "/store/" + name);
      exchange.sendResponseHeaders(302, -1);
    } else {
      byte[] header = ("blob " + bytes.length + '\0').getBytes(StandardCharsets.US_ASCII);
      byte[] blob = Arrays.copyOf(header, header.length + bytes.length);
      System.arraycopy(bytes, 0, blob, header.length, bytes.length);
      exchange.getResponseHeaders().set("ETag", "W/\"" + hex("SHA-1", blob) + '"');
      send(exchange, 200, bytes);
    }
  }

  private void answerStore(HttpExchange exchange) throws Exception {
    record("store", exchange);
    String name = exchange.getRequestURI().getPath().substring("/store/".length());
    byte[] bytes = files.get(name).clone();
    if (corrupt.contains(name)) {
      bytes[bytes.length / 2] ^= 1;
    }
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from = range == null || !ranges ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    if (range != null && ranges) {
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes " + from + '-' + (bytes.length - 1) + '/' + bytes.length);
    }
    Integer stall = stalls.remove(name);
    Integer end = stall == null ? breaks.remove(name) : stall;
    byte[] rest = Arrays.copyOfRange(bytes, from, bytes.length);
    exchange.sendResponseHeaders(range != null && ranges ? 206 : 200, rest.length);
    OutputStream out = exchange.getResponseBody();
    out.write(rest, 0, end == null ? rest.length : end);
    out.flush();
    if (stall != null) {
      closed.await();
    }
  }

  private static void send(HttpExchange exchange, int status, byte[] bytes) throws IOException {
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", "" + bytes.length);
      exchange.sendResponseHeaders(status, -1);
    } else {
      exchange.sendResponseHeaders(status, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  private static boolean isLarge(String name) {
    return name.endsWith(".safetensors") || name.endsWith(".onnx") || name.endsWith(".bin");
  }

  static String hex(String algorithm, byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
  }
}
