package dev.hone.hub;

/** One jar of a Maven repository, pinned to its content. */
record MavenArtifact(String group, String name, String version, String sha256) {

  /** {@code group:name:version}, as Maven's command line takes it. */
  String coordinates() {
    return group + ':' + name + ':' + version;
  }

  String fileName() {
    return name + '-' + version + ".jar";
  }

  /** Where it lies in a repository. */
  String path() {
    return group.replace('.', '/') + '/' + name + '/' + version + '/' + fileName();
  }
}
