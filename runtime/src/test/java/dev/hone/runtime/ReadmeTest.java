package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.runtime.generate.TextGenerator;
import dev.hone.runtime.generate.TextGeneratorOptions;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program in README.md compiles and runs; tiny models stand in for the reader's own. */
class ReadmeTest {
  @TempDir Path scratch;

  @Test
  void theProgramRuns() throws Exception {
    Path decoder = SeededModels.folder("llama", Files.createDirectory(scratch.resolve("decoder")));
    String program =
        program()
            .replace("my-sentiment-model", model("classify-one-of-three"))
            .replace("my-entity-model", model("tokens"))
            .replace("my-decoder.gguf", decoder.toString());
    String printed = run(program);
    String story;
    try (TextGenerator generator = TextGenerator.load(decoder, TextGeneratorOptions.defaults())) {
      story = generator.generate("Once upon a time");
    }
    assertThat(story).isNotEmpty();
    assertThat(printed).endsWith(story);
    List<String> lines = printed.substring(0, printed.length() - story.length()).lines().toList();
    assertThat(lines).hasSizeGreaterThan(3);
    assertThat(Float.parseFloat(lines.get(0))).isBetween(0.3f, 0.9f);
    assertThat(lines.get(1)).startsWith("[Ranked[index=1, score=");
    assertThat(lines.get(2)).startsWith("[Label[name=negative, score=");
    assertThat(lines.subList(3, lines.size())).allMatch(line -> line.startsWith("Entity[label="));
  }

  private static String program() throws Exception {
    String readme = Files.readString(Path.of(System.getProperty("hone.root"), "README.md"));
    int start = readme.indexOf("```java\n") + "```java\n".length();
    return readme.substring(start, readme.indexOf("```", start));
  }

  private String model(String name) throws Exception {
    return TinyModels.pipeline(name, scratch).folder().toString();
  }

  private String run(String program) throws Exception {
    Path source = Files.writeString(scratch.resolve("Readme.java"), program);
    var messages = new ByteArrayOutputStream();
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                messages,
                messages,
                "-d",
                scratch.toString(),
                "-classpath",
                System.getProperty("java.class.path"),
                source.toString());
    assertThat(status).as("%s", messages.toString(StandardCharsets.UTF_8)).isZero();
    var printed = new ByteArrayOutputStream();
    PrintStream console = System.out;
    try (var loader = new URLClassLoader(new URL[] {scratch.toUri().toURL()})) {
      Class<?> readme = loader.loadClass("Readme");
      Constructor<?> constructor = readme.getDeclaredConstructor();
      constructor.setAccessible(true);
      Method main = readme.getDeclaredMethod("main");
      main.setAccessible(true);
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      main.invoke(constructor.newInstance());
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }
}
