package dev.hone.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A jar comes from the local repository if it is there, else through the mvn command. */
class MavenSourceTest {

  private static final String CONTENT = "a jar";

  @TempDir Path home;

  private final MavenArtifact artifact = artifact(CONTENT);

  @Test
  void theLocalRepositoryIsWhereMavenIsToldItIs() throws IOException {
    assertThat(source(Map.of()).localRepository()).isEqualTo(home.resolve(".m2/repository"));
    Files.createDirectories(home.resolve(".m2"));
    Files.writeString(
        home.resolve(".m2/settings.xml"),
        "<settings><!-- <localRepository>/no</localRepository> -->"
            + "<localRepository> ${user.home}/mine </localRepository></settings>");
    assertThat(source(Map.of()).localRepository()).isEqualTo(home.resolve("mine"));
    assertThat(source(Map.of("maven.repo.local", "/m")).localRepository()).isEqualTo(Path.of("/m"));
  }

  @Test
  void aJarOfTheLocalRepositoryIsUsedAsItIsButNotAWrongOne() throws IOException {
    Path jar = home.resolve(".m2/repository").resolve("org/example/thing/1.0/thing-1.0.jar");
    Files.createDirectories(jar.getParent());
    Files.writeString(jar, CONTENT);
    assertThat(source(Map.of()).jar(artifact, home)).isEqualTo(jar);
    Files.writeString(jar, "another jar");
    assertThatThrownBy(() -> source(Map.of()).jar(artifact, home))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("Wrong checksum: file=" + jar)
        .hasMessageContaining("delete the file");
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void mavenIsAskedForAJarThatIsNotThere() throws IOException {
    // stands for mvn: leaves its arguments and the jar in the folder it is told
    Path mvn =
        script(
            "for a in \"$@\"; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done\n"
                + "echo \"$@\" > $d/arguments; printf 'a jar' > $d/thing-1.0.jar\n");
    Path scratch = Files.createDirectory(home.resolve("scratch"));
    MavenSource source =
        new MavenSource(surroundings(Map.of("maven.repo.local", "/none")), mvn.toString());
    assertThat(source.jar(artifact, scratch)).hasContent(CONTENT).hasParent(scratch);
    assertThat(Files.readString(scratch.resolve("arguments")))
        .contains(":copy -Dartifact=org.example:thing:1.0", "-Dmaven.repo.local=/none");
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void whatMavenSaysIsShownWhenItFails() throws IOException {
    Path mvn = script("echo '[ERROR] no route to the mirror'; exit 1\n");
    MavenSource source = new MavenSource(surroundings(Map.of()), mvn.toString());
    assertThatThrownBy(() -> source.jar(artifact, home))
        .hasMessageContaining("org.example:thing:1.0")
        .hasMessageContaining("status=1")
        .hasMessageContaining("no route to the mirror");
    MavenSource none = new MavenSource(surroundings(Map.of()), home.resolve("no-mvn").toString());
    assertThatThrownBy(() -> none.jar(artifact, home)).hasMessageContaining("install Maven");
  }

  private Path script(String body) throws IOException {
    Path script = Files.writeString(home.resolve("mvn"), "#!/bin/sh\n" + body);
    assertThat(script.toFile().setExecutable(true)).isTrue();
    return script;
  }

  private MavenSource source(Map<String, String> properties) {
    return new MavenSource(surroundings(properties), "no-such-command");
  }

  private Surroundings surroundings(Map<String, String> properties) {
    Map<String, String> all = new java.util.HashMap<>(properties);
    all.put("user.home", home.toString());
    return new Surroundings(Map.of(), all);
  }

  private static MavenArtifact artifact(String content) {
    try {
      String sha256 = FakeHub.hex("SHA-256", content.getBytes(StandardCharsets.UTF_8));
      return new MavenArtifact("org.example", "thing", "1.0", sha256);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
