package dev.hone;

import static org.junit.jupiter.api.extension.ConditionEvaluationResult.disabled;
import static org.junit.jupiter.api.extension.ConditionEvaluationResult.enabled;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Lets tests tagged {@code llama.cpp} run where npm has fetched it, as {@code bench/llama.cpp/run}
 * does. Elsewhere they are skipped, so that the build prints how many were left out.
 */
public final class LlamaCppCondition implements ExecutionCondition {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    if (!context.getTags().contains("llama.cpp")) {
      return enabled("runs without llama.cpp");
    }
    Path installed =
        Path.of(System.getProperty("hone.root", ""), "bench/llama.cpp/node_modules/node-llama-cpp");
    return Files.isDirectory(installed)
        ? enabled("llama.cpp is there: " + installed)
        : disabled("llama.cpp is not there: " + installed + "; bench/llama.cpp/run fetches it");
  }
}
