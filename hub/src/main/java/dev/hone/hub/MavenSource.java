package dev.hone.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The user's Maven, as a place to get a jar from: its local repository, else its {@code mvn}
 * command, which knows the servers, mirrors, proxies and passwords that Hone does not.
 */
final class MavenSource {

  private static final String COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy";
  private static final Pattern LOCAL_REPOSITORY =
      Pattern.compile("<localRepository>\\s*([^<]+?)\\s*</localRepository>");
  private static final Pattern COMMENT = Pattern.compile("<!--.*?-->", Pattern.DOTALL);
  private static final int SHOWN_CHARS = 4000;

  private final Surroundings surroundings;
  private final String command;

  MavenSource(Surroundings surroundings, String command) {
    this.surroundings = surroundings;
    this.command = command;
  }

  /** The {@code mvn} of the search path. */
  static MavenSource of(Surroundings surroundings) {
    boolean windows = System.getProperty("os.name").startsWith("Windows");
    return new MavenSource(surroundings, windows ? "mvn.cmd" : "mvn");
  }

  /**
   * The artifact's jar, checked against its checksum.
   *
   * @param scratch a folder for a jar that Maven has to fetch
   */
  Path jar(MavenArtifact artifact, Path scratch) throws IOException {
    Path local = localRepository().resolve(artifact.path());
    return checked(artifact, Files.exists(local) ? local : fetch(artifact, scratch));
  }

  /** {@code maven.repo.local}, else what settings.xml says, else {@code ~/.m2/repository}. */
  Path localRepository() throws IOException {
    Path m2 = surroundings.home().resolve(".m2");
    if (surroundings.property("maven.repo.local").isPresent()) {
      return Path.of(surroundings.property("maven.repo.local").get());
    }
    Path settings = m2.resolve("settings.xml");
    if (Files.exists(settings)) {
      String xml = COMMENT.matcher(Files.readString(settings)).replaceAll("");
      Matcher setting = LOCAL_REPOSITORY.matcher(xml);
      if (setting.find()) {
        return Path.of(setting.group(1).replace("${user.home}", surroundings.home().toString()));
      }
    }
    return m2.resolve("repository");
  }

  private Path fetch(MavenArtifact artifact, Path scratch) throws IOException {
    List<String> line = new ArrayList<>(List.of(command, "-q", "-B", COPY));
    line.add("-Dartifact=" + artifact.coordinates());
    line.add("-DoutputDirectory=" + scratch.toAbsolutePath());
    surroundings
        .property("maven.repo.local")
        .ifPresent(folder -> line.add("-Dmaven.repo.local=" + folder));
    String shown = String.join(" ", line);
    Process maven;
    try {
      maven =
          new ProcessBuilder(line)
              .directory(scratch.toFile()) // no pom.xml of the user's there
              .redirectErrorStream(true)
              .redirectInput(ProcessBuilder.Redirect.from(nowhere()))
              .start();
    } catch (IOException e) {
      throw new HubException(
          artifact.coordinates()
              + " is not in "
              + localRepository()
              + " and Maven cannot be run ("
              + e.getMessage()
              + "); install Maven, or run where it is installed: "
              + shown,
          e);
    }
    String output = new String(maven.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int status;
    try {
      status = maven.waitFor();
    } catch (InterruptedException e) {
      maven.destroy();
      Thread.currentThread().interrupt();
      throw new HubException("Interrupted while Maven fetched " + artifact.coordinates(), e);
    }
    Path jar = scratch.resolve(artifact.fileName());
    if (status != 0 || !Files.exists(jar)) {
      throw new HubException(
          "Maven could not fetch "
              + artifact.coordinates()
              + ": status="
              + status
              + ", command="
              + shown
              + ", output:\n"
              + output.substring(Math.max(0, output.length() - SHOWN_CHARS)));
    }
    return jar;
  }

  private static Path checked(MavenArtifact artifact, Path jar) throws IOException {
    String found = Checksum.sha256(jar);
    if (!found.equals(artifact.sha256())) {
      throw new HubException(
          "Wrong checksum: file="
              + jar
              + ", sha256="
              + found
              + ", expected="
              + artifact.sha256()
              + "; delete the file and try again");
    }
    return jar;
  }

  private static java.io.File nowhere() {
    boolean windows = System.getProperty("os.name").startsWith("Windows");
    return new java.io.File(windows ? "NUL" : "/dev/null");
  }
}
