package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.measure.Cost.Growth;
import dev.hone.measure.Cost.PartCost;
import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Embedding;
import dev.hone.model.Embeddings;
import dev.hone.model.FeedForward;
import dev.hone.model.Head;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Norms;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.cost.Part;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A model of hidden 4, 2 heads of 2, intermediate 8, two blocks, on 3 texts of 5 tokens: by hand.
 */
class CostTest {
  private static final int SCORES = 3 * 2 * 5 * 5;

  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void countsByHand() {
    Cost cost = Cost.of(tiny(2), 3, 5);
    // Two additions of positions and types to 15 x 4 numbers; tables of 11, 9 and 2 rows of 16
    // bytes.
    expect(cost, Part.EMBEDDINGS, 2 * 60, 22 * 16, 60 * 4, Growth.LINEARLY);
    // Three products of 4 x 4 with bias: 2 * 4 + 1 a number.
    expect(cost, Part.PROJECTIONS, 2 * 3 * 60 * 9, 2 * 3 * 80, 2 * 3 * 240, Growth.LINEARLY);
    expect(cost, Part.SCORES, 2 * SCORES * 5, 0, 2 * SCORES * 4, Growth.QUADRATICALLY);
    expect(cost, Part.SOFTMAX, 2 * SCORES * 5, 0, 2 * SCORES * 4, Growth.QUADRATICALLY);
    expect(cost, Part.WEIGHTED_VALUES, 2 * SCORES * 4, 0, 2 * 240, Growth.QUADRATICALLY);
    expect(cost, Part.ATTENTION_OUTPUT, 2 * 60 * 9, 2 * 80, 2 * 240, Growth.LINEARLY);
    // Up: 120 numbers of 2 * 4 + 1 and GELU's 5; down: 60 of 2 * 8 + 1.
    expect(
        cost,
        Part.FEED_FORWARD,
        2 * (120 * 14 + 60 * 17),
        2 * (8 * 4 + 8 + 4 * 8 + 4) * 4,
        2 * (480 + 240),
        Growth.LINEARLY);
    // The embeddings' norm without residual, four with one.
    expect(cost, Part.NORMS, 60 * 7 + 4 * 60 * 8, 5 * 32, 5 * 240, Growth.LINEARLY);
    // Mean of 15 x 4 to 3 x 4, then the length of each.
    expect(cost, Part.HEAD, 60 + 12 + 3 * 12, 0, 2 * 48, Growth.LINEARLY);
    assertThat(cost.parts().stream().mapToDouble(PartCost::share).sum())
        .isCloseTo(1, within(1e-12));
  }

  @Test
  void weightsAreThoseOfTheModelAndDoNotDependOnTheBatch() {
    Transformer model = tiny(3);
    assertThat(Cost.of(model, 1, 1).weightBytes()).isEqualTo(model.sizeBytes());
    assertThat(Cost.of(model, 7, 9).weightBytes()).isEqualTo(model.sizeBytes());
  }

  @Test
  void nothingOfALongTextIsAllocated() {
    // Scores of 2 heads x 60,000 x 60,000 would take 28 GB.
    Transformer model = unbounded();
    assertThat(Cost.of(model, 1, 60_000).operations()).isGreaterThan(2L * 60_000 * 60_000);
  }

  @Test
  void refusesLengthsThatTheModelCannotRead() {
    assertThatThrownBy(() -> Cost.of(tiny(1), 1, 10))
        .hasMessage("batch=1, length=10: batch must be at least 1, length from 1 to 9");
  }

  @Test
  void tableAndJsonSayTheSame() {
    Cost cost = Cost.of(tiny(1), 1, 4);
    JsonNode json = new JsonMapper().valueToTree(cost);
    assertThat(json.at("/parts/2/part").asText()).isEqualTo("scores");
    assertThat(json.at("/parts/2/grows").asText()).isEqualTo("quadratically");
    assertThat(json.at("/parts/2/operations").asLong()).isEqualTo(2 * 16 * 5);
    List<String> lines = cost.table().toString().lines().toList();
    assertThat(lines).hasSize(cost.parts().size() + 2);
    assertThat(lines.get(3)).matches("scores +160 +\\S+ % +0 B +128 B +quadratically");
  }

  private static void expect(
      Cost cost, Part part, long operations, long weightBytes, long activationBytes, Growth grows) {
    PartCost actual = cost.parts().stream().filter(p -> p.part() == part).findFirst().orElseThrow();
    assertThat(actual)
        .isEqualTo(
            new PartCost(part, operations, actual.share(), weightBytes, activationBytes, grows));
    assertThat(actual.share()).isCloseTo((double) operations / cost.operations(), within(1e-12));
  }

  private Transformer unbounded() {
    Transformer model = tiny(1);
    Embeddings e = model.embeddings();
    return new Transformer(
        new Embeddings(e.word(), Optional.empty(), 0, e.tokenType(), e.norm()),
        model.blocks(),
        model.head());
  }

  private Transformer tiny(int blocks) {
    var embeddings =
        new Embeddings(
            new Embedding(weight("word", 11, 4)),
            Optional.of(new Embedding(weight("position", 9, 4))),
            0,
            Optional.of(new Embedding(weight("type", 2, 4))),
            Optional.of(norm()));
    return new Transformer(
        embeddings,
        IntStream.range(0, blocks).mapToObj(_ -> block()).toList(),
        new Head.SentenceEmbedding(List.of(Pooling.MEAN), List.of(), true, 0));
  }

  private Block block() {
    return new Block(
        Attention.everywhere(
            linear(4, 4), linear(4, 4), linear(4, 4), linear(4, 4), AttentionShape.of(2, 2)),
        Norms.after(norm()),
        new FeedForward.Mlp(linear(8, 4), Activation.GELU, linear(4, 8)),
        Norms.after(norm()),
        Block.Flow.SEQUENTIAL);
  }

  private Linear linear(int out, int in) {
    return new Linear(weight("w", out, in), weight("b", out));
  }

  private Norm norm() {
    return new Norm.LayerNorm(weight("g", 4), weight("b", 4), 1e-12f);
  }

  private Weight weight(String name, long... shape) {
    return new Weight(name + ".weight", Tensor.allocate(arena, Plain.F32, shape));
  }
}
