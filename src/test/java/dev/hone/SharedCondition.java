package dev.hone;

import static org.junit.jupiter.api.extension.ConditionEvaluationResult.disabled;
import static org.junit.jupiter.api.extension.ConditionEvaluationResult.enabled;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Lets tests tagged {@code shared} run wherever the folder of assets lies beside the project.
 * Elsewhere they are skipped, so that the build prints how many were left out. Every module's tests
 * find this class at run time: see surefire in the root's pom.xml.
 */
public final class SharedCondition implements ExecutionCondition {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    if (!context.getTags().contains("shared")) {
      return enabled("reads nothing beside the project");
    }
    String folder = System.getProperty("hone.shared", "");
    return Files.isDirectory(Path.of(folder, "goldens"))
        ? enabled("the assets are there: " + folder)
        : disabled("the assets are not there: " + folder);
  }
}
