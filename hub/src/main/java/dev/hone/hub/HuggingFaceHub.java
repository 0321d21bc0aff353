package dev.hone.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/**
 * Fetches models from the Hugging Face hub, or a server that speaks its protocol, into the cache
 * that Hugging Face's own programs use.
 *
 * <p>One question tells whether the copy in the cache is still the newest. Where the server cannot
 * be reached the copy is used, and a warning logged.
 */
final class HuggingFaceHub {

  private static final System.Logger LOG = System.getLogger(HuggingFaceHub.class.getName());
  private static final int CHUNK = 1 << 18;

  private final HuggingFaceSettings settings;
  private final HuggingFaceClient client;

  HuggingFaceHub(HuggingFaceSettings settings) {
    this.settings = settings;
    this.client = new HuggingFaceClient(settings);
  }

  /** The folder of a model, or the file that the name means. */
  Path resolve(HuggingFaceName name, Progress progress) throws IOException {
    HuggingFaceCache cache = HuggingFaceCache.of(settings.cache(), name.id());
    Optional<Path> copy = cached(cache, name);
    boolean cannotChange = HuggingFaceCache.isCommit(name.revision()) && copy.isPresent();
    if (settings.offline() || cannotChange) {
      return copy.orElseThrow(() -> notCached(name));
    }
    HuggingFaceClient.Listing listing;
    try {
      listing = client.list(name);
    } catch (IOException e) {
      if (copy.isEmpty()) {
        throw new HubException(
            settings.endpoint()
                + " cannot be reached ("
                + e
                + ") and "
                + name.id()
                + '@'
                + name.revision()
                + " is not in the cache "
                + settings.cache(),
            e);
      }
      LOG.log(
          System.Logger.Level.WARNING,
          "{0} cannot be reached ({1}); using the copy in {2}",
          settings.endpoint(),
          e,
          copy.get());
      return copy.get();
    }
    if (name.file().isEmpty() && listing.files().contains(ModelFiles.MODULES)) {
      fetch(cache, name, listing.commit(), ModelFiles.MODULES, progress); // says what else to fetch
    }
    for (String file : wanted(name, listing.files(), cache.snapshot(listing.commit()))) {
      fetch(cache, name, listing.commit(), file, progress);
    }
    cache.remember(name.revision(), listing.commit());
    return place(cache, name, listing.commit());
  }

  private static List<String> wanted(HuggingFaceName name, List<String> files, Path snapshot)
      throws IOException {
    if (name.file().isEmpty()) {
      return ModelFiles.of(snapshot).needed(name.id(), files);
    }
    String file = name.file().get();
    if (!files.contains(file)) {
      throw new HubException(
          name.id() + '@' + name.revision() + " has no such file: " + file + "; files=" + files);
    }
    return List.of(file);
  }

  private static Path place(HuggingFaceCache cache, HuggingFaceName name, String commit) {
    return name.file().map(cache.snapshot(commit)::resolve).orElse(cache.snapshot(commit));
  }

  private static Optional<Path> cached(HuggingFaceCache cache, HuggingFaceName name)
      throws IOException {
    Optional<String> commit = cache.commit(name.revision());
    if (commit.isEmpty()) {
      return Optional.empty();
    }
    List<String> files = cache.files(commit.get());
    boolean whole =
        name.file().isPresent()
            ? files.contains(name.file().get())
            : ModelFiles.of(cache.snapshot(commit.get())).isWhole(files);
    return whole ? Optional.of(place(cache, name, commit.get())) : Optional.empty();
  }

  private HubException notCached(HuggingFaceName name) {
    return new HubException(
        name.id()
            + '@'
            + name.revision()
            + " is not in the cache "
            + settings.cache()
            + " and HF_HUB_OFFLINE forbids to fetch it");
  }

  private void fetch(
      HuggingFaceCache cache, HuggingFaceName name, String commit, String file, Progress progress)
      throws IOException {
    if (Files.isRegularFile(cache.snapshot(commit).resolve(file))) {
      return; // a commit's files never change
    }
    HuggingFaceClient.RemoteFile remote = client.describe(name, commit, file);
    Path blob = cache.blob(remote.etag());
    try (FolderLock _ = FolderLock.of(cache.lock(remote.etag()))) {
      if (!Files.exists(blob)) {
        Files.createDirectories(blob.getParent());
        Path incomplete = blob.resolveSibling(remote.etag() + ".incomplete");
        download(name, commit, file, remote, incomplete, progress);
        check(file, remote, incomplete);
        Files.move(incomplete, blob, StandardCopyOption.ATOMIC_MOVE);
      }
      cache.link(commit, file, remote.etag());
    }
  }

  /** Fetches what is missing, again from where it stopped when a connection breaks. */
  private void download(
      HuggingFaceName name,
      String commit,
      String file,
      HuggingFaceClient.RemoteFile described,
      Path incomplete,
      Progress progress)
      throws IOException {
    HuggingFaceClient.RemoteFile remote = described;
    for (int attempt = 0; ; attempt++) {
      long there = Files.exists(incomplete) ? Files.size(incomplete) : 0;
      if (there > 0 && there == remote.sizeBytes()) {
        return;
      }
      checkSpace(file, incomplete.getParent(), remote.sizeBytes() - there);
      try {
        if (attempt > 0) { // an address that was handed out may have run out
          remote = client.describe(name, commit, file);
        }
        receive(client.bytes(name, remote, there), file, remote, incomplete, progress);
        return;
      } catch (IOException e) {
        if (attempt == HuggingFaceClient.attempts() - 1) {
          throw e;
        }
        client.pause(attempt, Optional.empty());
      }
    }
  }

  private void receive(
      HttpResponse<InputStream> answer,
      String file,
      HuggingFaceClient.RemoteFile remote,
      Path incomplete,
      Progress progress)
      throws IOException {
    if (answer.statusCode() == 416) { // what is there is not the beginning of what is asked for
      answer.body().close();
      Files.deleteIfExists(incomplete);
      throw new IOException("The server cannot resume " + file);
    }
    boolean resumed = answer.statusCode() == 206;
    StandardOpenOption how =
        resumed ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING;
    try (InputStream in = answer.body();
        StallGuard guard = new StallGuard(in, settings.stall());
        OutputStream out =
            Files.newOutputStream(
                incomplete, StandardOpenOption.CREATE, StandardOpenOption.WRITE, how)) {
      long done = resumed ? Files.size(incomplete) : 0;
      byte[] chunk = new byte[CHUNK];
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        guard.progressed();
        done += n;
        if (remote.sizeBytes() >= 0 && done > remote.sizeBytes()) {
          break; // more than it should be: the check says so
        }
        out.write(chunk, 0, n);
        progress.update(file, done, remote.sizeBytes());
      }
      if (done < remote.sizeBytes()) {
        throw new IOException(
            "Connection ended early: file="
                + file
                + ", bytes="
                + done
                + " of "
                + remote.sizeBytes());
      }
    }
  }

  private static void checkSpace(String file, Path folder, long bytes) throws IOException {
    long free = Files.getFileStore(folder).getUsableSpace();
    if (bytes > free) {
      throw new HubException(
          "No room on the disk: file="
              + file
              + ", bytes="
              + bytes
              + ", free="
              + free
              + ", folder="
              + folder
              + "; make room, or let HF_HOME name a folder elsewhere");
    }
  }

  /**
   * Large files are named by SHA-256, small ones as git names them; other servers may do otherwise.
   */
  private static void check(String file, HuggingFaceClient.RemoteFile remote, Path incomplete)
      throws IOException {
    long size = Files.size(incomplete);
    String found =
        switch (remote.etag().length()) {
          case 64 -> Checksum.sha256(incomplete);
          case 40 -> Checksum.gitBlob(incomplete);
          default -> remote.etag();
        };
    if (!found.equals(remote.etag()) || remote.sizeBytes() >= 0 && size != remote.sizeBytes()) {
      Files.delete(incomplete);
      throw new HubException(
          "Wrong checksum: file="
              + file
              + ", found="
              + found
              + " of "
              + size
              + " bytes, expected="
              + remote.etag()
              + " of "
              + remote.sizeBytes()
              + "; what was received is deleted, try again");
    }
  }
}
