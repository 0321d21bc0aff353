package dev.hone.hub;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * One repository in the cache that all programs of Hugging Face share.
 *
 * <pre>
 *   models--org--name/
 *     refs/main                      the commit that main was last seen at
 *     blobs/&lt;etag&gt;                   contents, named by checksum
 *     blobs/&lt;etag&gt;.incomplete        begun, to be resumed
 *     snapshots/&lt;commit&gt;/config.json -> ../../blobs/&lt;etag&gt;
 * </pre>
 */
record HuggingFaceCache(Path folder) {

  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  static HuggingFaceCache of(Path cache, String id) {
    return new HuggingFaceCache(cache.resolve("models--" + id.replace("/", "--")));
  }

  static boolean isCommit(String revision) {
    return COMMIT.matcher(revision).matches();
  }

  Path blob(String etag) {
    return folder.resolve("blobs").resolve(etag);
  }

  Path snapshot(String commit) {
    return folder.resolve("snapshots").resolve(commit);
  }

  Path lock(String etag) {
    Path locks = folder.resolveSibling(".locks").resolve(folder.getFileName());
    return locks.resolve(etag + ".lock");
  }

  /** The commit that a revision was at when it was last fetched. */
  Optional<String> commit(String revision) throws IOException {
    if (isCommit(revision)) {
      return Optional.of(revision);
    }
    Path ref = folder.resolve("refs").resolve(revision);
    return Files.isRegularFile(ref)
        ? Optional.of(Files.readString(ref).strip()).filter(HuggingFaceCache::isCommit)
        : Optional.empty();
  }

  void remember(String revision, String commit) throws IOException {
    if (isCommit(revision)) {
      return;
    }
    Path ref = folder.resolve("refs").resolve(revision);
    Files.createDirectories(ref.getParent());
    Path fresh = Files.createTempFile(ref.getParent(), "ref", ".incomplete");
    Files.writeString(fresh, commit);
    Files.move(fresh, ref, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Names of the files of a commit that are there, with {@code /} between folders. */
  List<String> files(String commit) throws IOException {
    Path snapshot = snapshot(commit);
    if (!Files.isDirectory(snapshot)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.walk(snapshot)) {
      return paths
          .filter(Files::isRegularFile) // a link whose blob is gone is none
          .map(path -> snapshot.relativize(path).toString().replace('\\', '/'))
          .toList();
    }
  }

  /** Shows a blob as a file of a commit. What is shown stays: another thread may be reading it. */
  void link(String commit, String file, String etag) throws IOException {
    Path link = snapshot(commit).resolve(file);
    if (Files.isRegularFile(link)) {
      return;
    }
    Files.createDirectories(link.getParent());
    Files.deleteIfExists(link); // its blob is gone
    Path target = link.getParent().relativize(blob(etag));
    try {
      Files.createSymbolicLink(link, target);
    } catch (UnsupportedOperationException | FileSystemException _) {
      Files.copy(blob(etag), link); // Windows without the right to make links
    }
  }
}
