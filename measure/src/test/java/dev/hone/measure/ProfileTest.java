package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.measure.Profile.Bound;
import dev.hone.measure.Profile.Line;
import dev.hone.measure.Timing.Plan;
import dev.hone.model.Batch;
import dev.hone.model.folder.Model;
import dev.hone.runtime.Engine;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.LimitLoops.Peak;
import dev.hone.tensor.parallel.ComputePool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The tiny llama of the goldens, on 12 tokens. */
class ProfileTest {
  private static final Plan PLAN = new Plan(3, 5, Duration.ofMillis(20));
  private static final Batch BATCH = Batch.of(List.of(new int[12]));

  private final ComputePool pool = new ComputePool(1);
  private Model model;
  private Engine engine;

  @BeforeEach
  void load() throws Exception {
    model = Model.load(Path.of(Bootstrap.class.getResource("goldens/llama").toURI()));
    engine = new Engine(model.transformer(), KernelTier.VECTOR.create(pool));
  }

  @AfterEach
  void close() {
    engine.close();
    model.close();
    pool.close();
  }

  private Profile profile(double read, double floats) {
    var limits =
        new MachineLimits("abacus", 1, "vector", read, Map.of(Peak.F32, floats, Peak.INT8, 1.0));
    return Profile.of("prompt", 12, engine, PLAN, limits, () -> engine.run(BATCH));
  }

  @Test
  void timeIsAllAccountedFor() {
    Profile profile = profile(1e9, 1e9);
    int blocks = model.transformer().blocks().size();
    assertThat(line(profile, "query-key-value").calls()).isEqualTo(blocks);
    assertThat(line(profile, "rope").calls()).isEqualTo(2 * blocks);
    assertThat(line(profile, "head").weights()).isNotEmpty();
    assertThat(profile.lines().stream().mapToDouble(Line::share).sum()).isCloseTo(1, within(1e-9));
    assertThat(profile.lines().stream().mapToDouble(Line::millis).sum())
        .isCloseTo(profile.millis(), within(1e-6));
    assertThat(profile.lines()).allSatisfy(l -> assertThat(l.millis()).isNotNegative());
    assertThat(profile.lines().getLast().bound()).isEqualTo(Bound.NONE);
    assertThat(profile.lines().subList(0, profile.lines().size() - 1))
        .isSortedAccordingTo((a, b) -> Double.compare(b.millis(), a.millis()));
  }

  @Test
  void theSlowerOfTheTwoLimitsBinds() {
    Line reading = line(profile(1, 1e18), "feed-forward-down");
    assertThat(reading.bound()).isEqualTo(Bound.MEMORY);
    assertThat(reading.ofLimit() * reading.millis() / 1e3)
        .isCloseTo(reading.bytes(), within(reading.bytes() * 1e-9));
    Line computing = line(profile(1e18, 1), "feed-forward-down");
    assertThat(computing.bound()).isEqualTo(Bound.F32);
    assertThat(computing.ofLimit() * computing.millis() / 1e3)
        .isCloseTo(computing.operations(), within(computing.operations() * 1e-9));
    assertThat(computing.bytes()).isEqualTo(reading.bytes());
    assertThat(computing.operations()).isEqualTo(reading.operations());
  }

  @Test
  void tableAndJsonSayTheSame() {
    Profile profile = profile(1e9, 1e9);
    JsonNode json = new JsonMapper().valueToTree(profile);
    assertThat(json.at("/lines/0/operation").asText())
        .isEqualTo(profile.lines().getFirst().operation());
    assertThat(json.at("/lines/0/bound").asText()).isIn("memory", "f32");
    List<String> lines = profile.table().toString().lines().toList();
    assertThat(lines).hasSize(profile.lines().size() + 2);
    assertThat(lines.getFirst()).startsWith("prompt, 12 tokens").endsWith("bound by");
    assertThat(lines.getLast()).startsWith("all").contains("100.0 %");
  }

  private static Line line(Profile profile, String operation) {
    return profile.lines().stream()
        .filter(l -> l.operation().equals(operation))
        .findFirst()
        .orElseThrow();
  }
}
