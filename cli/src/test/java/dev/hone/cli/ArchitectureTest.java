package dev.hone.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.GeneralCodingRules;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The rooms of the house, {@code dev.hone.*}, and the arrows between them, which only go downwards.
 */
class ArchitectureTest {
  /** Each room, and those right below it; what these may use, it may use too. */
  private static final Map<String, Set<String>> ARROWS =
      Map.of(
          "tensor", Set.of(),
          "tokenizer", Set.of(),
          "hub", Set.of(),
          "model", Set.of("tensor"),
          "runtime", Set.of("model", "tokenizer", "hub"),
          "measure", Set.of("runtime"),
          "compress", Set.of("measure"),
          "cli", Set.of("compress"));

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.hone");

  static Set<String> rooms() {
    return ARROWS.keySet();
  }

  @Test
  void everyClassStandsInARoomAndNoRoomIsEmpty() {
    assertThat(CLASSES.stream().map(ArchitectureTest::room).collect(Collectors.toSet()))
        .isEqualTo(ARROWS.keySet());
    assertThat(CLASSES.size()).isGreaterThan(100);
  }

  @ParameterizedTest
  @MethodSource("rooms")
  void arrowsOnlyGoDownwards(String room) {
    List<String> forbidden = new ArrayList<>();
    for (String other : ARROWS.keySet()) {
      if (!other.equals(room) && !below(room).contains(other)) {
        forbidden.add("dev.hone." + other + "..");
      }
    }
    if (room.equals("cli")) {
      assertThat(forbidden).isEmpty();
      return;
    }
    noClasses()
        .that()
        .resideInAPackage("dev.hone." + room + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(forbidden.toArray(String[]::new))
        .check(CLASSES);
  }

  @Test
  void measurementsKnowNothingOfTheReport() {
    noClasses()
        .that()
        .resideInAPackage("dev.hone.measure")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.hone.measure.report")
        .check(CLASSES);
  }

  @Test
  void onlyTensorTouchesTheVectorApi() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.hone.tensor..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jdk.incubator.vector..")
        .check(CLASSES);
  }

  @Test
  void tensorUsesTheJdkAlone() {
    noClasses()
        .that()
        .resideInAPackage("dev.hone.tensor..")
        .should()
        .dependOnClassesThat()
        .resideOutsideOfPackages("dev.hone.tensor..", "java..", "jdk.incubator.vector..")
        .check(CLASSES);
  }

  @Test
  void tiersAreChosenInTensorAlone() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.hone.tensor..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.hone.tensor.kernel.*..")
        .check(CLASSES);
  }

  @Test
  void onlyTheHubSpeaksHttp() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.hone.hub..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.net.http..")
        .check(CLASSES);
  }

  @Test
  void onlyTheCommandLineSpeaksToTheTerminal() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.hone.cli..")
        .should(GeneralCodingRules.ACCESS_STANDARD_STREAMS)
        .check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.hone.cli..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("picocli..", "me.tongfei..", "org.jline..")
        .check(CLASSES);
  }

  @Test
  void namesSayWhatAThingIs() {
    noClasses()
        .should()
        .haveNameMatching(".*(Manager|Helper|Utils?|Impl|Base|Common|Data|Info)")
        .check(CLASSES);
  }

  private static String room(JavaClass type) {
    return type.getPackageName().split("\\.", -1)[2];
  }

  private static Set<String> below(String room) {
    Set<String> all = new TreeSet<>();
    for (String next : ARROWS.get(room)) {
      all.add(next);
      all.addAll(below(next));
    }
    return all;
  }
}
