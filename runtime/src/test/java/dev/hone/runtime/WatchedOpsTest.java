package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.model.Batch;
import dev.hone.model.Forward;
import dev.hone.model.KeyValueCache;
import dev.hone.model.Projections;
import dev.hone.model.Transformer;
import dev.hone.model.cost.CostOps;
import dev.hone.runtime.Operation.Kind;
import dev.hone.runtime.cache.PagedCache;
import dev.hone.tensor.KeyValueType;
import dev.hone.tensor.kernel.Arithmetic;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Watching changes no answer, and what is told of adds up. Where answers must be the same bit by
 * bit, the scalar kernels run: vectors are added up in another order once they are compiled.
 */
class WatchedOpsTest {
  private static final String EVENT = "dev.hone.Operation";

  private final Arena arena = Arena.ofShared();
  private final ComputePool pool = new ComputePool(2);
  private final Batch batch = batch(new Random(1));

  @TempDir private Path folder;

  static List<String> families() {
    return SeededModels.FAMILIES;
  }

  @AfterEach
  void close() {
    pool.close();
    arena.close();
  }

  private static Batch batch(Random random) {
    return Batch.of(List.of(random.ints(20, 0, 256).toArray(), random.ints(7, 0, 256).toArray()));
  }

  @ParameterizedTest
  @MethodSource("families")
  void operationsAreThoseThatAreCountedWithoutRunning(String family) {
    Transformer model = SeededModels.of(family, arena);
    var counted = new CostOps(model);
    Forward.run(model, batch, counted);
    try (Engine engine = new Engine(model, KernelTier.SCALAR.create(pool))) {
      float[][] plain = engine.run(batch);
      var watch = new Watch();
      engine.watched(watch, () -> assertThat(engine.run(batch)).isDeepEqualTo(plain));
      assertThat(watch.told.stream().mapToLong(Operation::operations).sum())
          .isEqualTo(counted.takeOperations());
      assertThat(watch.told).allSatisfy(o -> assertThat(o.bytes()).isPositive());
      int count = watch.told.size();
      engine.run(batch);
      assertThat(watch.told).hasSize(count);
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void longBatchesAreCutIntoPartsThatAnswerTheSame(String family) {
    Transformer model = SeededModels.of(family, arena);
    Random random = new Random(2);
    List<int[]> sequences =
        Stream.generate(() -> random.ints(20 + random.nextInt(11), 0, 256).toArray())
            .limit(25)
            .toList();
    Batch batch = Batch.of(sequences);
    assertThat(BatchParts.of(batch, pool.threads())).hasSizeGreaterThan(2);
    try (Engine engine = new Engine(model, KernelTier.VECTOR.create(pool))) {
      var watch = new Watch();
      List<float[][]> answers = new ArrayList<>();
      engine.watched(watch, () -> answers.add(engine.run(batch)));
      List<float[]> alone =
          sequences.stream().flatMap(s -> Stream.of(engine.run(Batch.of(List.of(s))))).toList();
      assertSame(answers.getFirst(), alone.toArray(float[][]::new));
      var counted = new CostOps(model);
      Forward.run(model, batch, counted);
      assertThat(watch.told.stream().mapToLong(Operation::operations).sum())
          .isEqualTo(counted.takeOperations());
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void aWarmUpChangesNothing(String family) {
    Transformer model = SeededModels.of(family, arena);
    try (Engine cold = new Engine(model, KernelTier.SCALAR.create(pool));
        Engine warm = new Engine(model, KernelTier.SCALAR.create(pool))) {
      warm.warmUp(() -> false);
      assertThat(warm.run(batch)).isDeepEqualTo(cold.run(batch));
      assertThat(warm.hidden(batch)).isDeepEqualTo(cold.hidden(batch));
      assertThat(warm.sizeBytes()).isLessThan(2 * cold.sizeBytes());
    }
  }

  @Test
  void aProductReadsItsWeightsAndItsInput() {
    Transformer model = SeededModels.of("llama", arena);
    var watch = new Watch();
    try (Engine engine = new Engine(model, KernelTier.SCALAR.create(pool))) {
      engine.watched(watch, () -> engine.run(batch));
    }
    Operation down = watch.of(Kind.FEED_FORWARD_DOWN).getFirst();
    var weight =
        ((dev.hone.model.FeedForward.Gated) model.blocks().getFirst().feedForward()).down();
    long in = weight.in();
    long out = weight.out();
    assertThat(down.rows()).isEqualTo(27);
    assertThat(down.layer()).isEqualTo(weight.name());
    assertThat(down.weights()).isEqualTo(weight.weight().tensor().dtype().label());
    assertThat(down.arithmetic()).isEqualTo(Arithmetic.F32);
    assertThat(down.operations()).isEqualTo(2 * 27 * in * out);
    assertThat(down.bytes()).isEqualTo(weight.weight().tensor().sizeBytes() + 4 * 27 * (in + out));
    List<Operation> projections = watch.of(Kind.QUERY_KEY_VALUE);
    assertThat(projections).hasSize(model.blocks().size());
    var own = (Projections.Separate) model.blocks().getFirst().attention().projections();
    assertThat(projections.getFirst().layer())
        .isEqualTo(own.query().name() + ", " + own.key().name() + ", " + own.value().name());
    assertThat(watch.of(Kind.FEED_FORWARD_GATE_UP)).hasSize(model.blocks().size());
    assertThat(watch.of(Kind.HEAD)).hasSize(1);
  }

  @Test
  void attentionReadsTheCacheInItsType() {
    Transformer model = SeededModels.of("llama", arena);
    var shape = model.blocks().getFirst().attention().shape();
    long width = (long) shape.kvHeads() * shape.headDim();
    long queries = (long) shape.heads() * shape.headDim();
    try (Engine engine = new Engine(model, KernelTier.VECTOR.create(pool));
        var cache = new PagedCache(model, KeyValueType.F16, 1 << 20);
        var sequence = cache.open(30)) {
      engine.next(Batch.of(List.of(new int[20])), cache.of(List.of(sequence)));
      var watch = new Watch();
      KeyValueCache past = cache.of(List.of(sequence));
      engine.watched(watch, () -> engine.next(Batch.of(List.of(new int[1])), past));
      assertThat(watch.of(Kind.ATTENTION).getFirst().bytes())
          .isEqualTo(21 * width * 2 * 2 + 2 * queries * 4);
    }
  }

  @Test
  void recordingsHaveEveryOperationAndOnlyTheirs() throws IOException {
    Transformer model = SeededModels.of("llama", arena);
    try (Engine engine = new Engine(model, KernelTier.SCALAR.create(pool));
        var recording = new Recording()) {
      recording.enable(EVENT).withoutThreshold();
      assertThat(OperationRecorder.wanted()).isFalse();
      float[][] plain = engine.run(batch);
      recording.start();
      assertThat(OperationRecorder.wanted()).isTrue();
      assertThat(engine.run(batch)).isDeepEqualTo(plain);
      recording.stop();
      assertThat(OperationRecorder.wanted()).isFalse();
      engine.run(batch);
      Path file = folder.resolve("operations.jfr");
      recording.dump(file);
      var watch = new Watch();
      engine.watched(watch, () -> engine.run(batch));
      List<RecordedEvent> events = RecordingFile.readAllEvents(file);
      assertThat(events.stream().map(WatchedOpsTest::operation).toList())
          .isEqualTo(watch.told.stream().map(WatchedOpsTest::operation).toList());
      assertThat(events).allSatisfy(e -> assertThat(e.getDuration().toNanos()).isPositive());
    }
  }

  /** To a few roundings. */
  private static void assertSame(float[][] answers, float[][] expected) {
    assertThat(answers).hasNumberOfRows(expected.length);
    for (int row = 0; row < expected.length; row++) {
      assertThat(answers[row]).containsExactly(expected[row], within(1e-5f));
    }
  }

  private static String operation(RecordedEvent e) {
    return List.of(
            e.getString("kind"),
            e.getString("weights"),
            e.getString("layer"),
            e.getLong("rows"),
            e.getLong("operations"),
            e.getLong("bytes"),
            e.getString("arithmetic"))
        .toString();
  }

  private static String operation(Operation o) {
    return List.of(
            o.kind().label(),
            o.weights(),
            o.layer(),
            o.rows(),
            o.operations(),
            o.bytes(),
            o.arithmetic().label())
        .toString();
  }

  private static final class Watch implements OperationWatch {
    private final List<Operation> told;
    private boolean runs;

    Watch() {
      this(Collections.synchronizedList(new ArrayList<>()));
    }

    private Watch(List<Operation> told) {
      this.told = told;
    }

    @Override
    public OperationWatch beside(int threads) {
      assertThat(threads).isEqualTo(2);
      return new Watch(told);
    }

    List<Operation> of(Kind kind) {
      return told.stream().filter(o -> o.kind() == kind).collect(Collectors.toList());
    }

    @Override
    public void begin() {
      assertThat(runs).isFalse();
      runs = true;
    }

    @Override
    public void end() {
      assertThat(runs).isTrue();
      runs = false;
    }

    @Override
    public void tell(Operation operation) {
      assertThat(runs).isFalse();
      told.add(operation);
    }
  }
}
