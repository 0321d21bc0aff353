package dev.hone.compress.quantize;

import dev.hone.compress.Foreseen;
import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.RecipeException;
import dev.hone.compress.RecipeFields;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.quantize.Apportionment.Choice;
import dev.hone.model.Block;
import dev.hone.model.Embedding;
import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.folder.Model;
import dev.hone.tensor.DType;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Mixed precision: every group of layers gets a type of GGUF's blocks so that the answers of a
 * decoder change least, of so many bits a weight on average. {@link Sensitivity} says what each
 * choice costs; losses are taken to add up. The whole model stands in memory while that is
 * measured.
 *
 * @param bits of a weight of the chosen layers on average
 */
public record Mix(double bits, Rounding rounding, LayerSelection layers) implements Pass {
  /** What recipes call the pass. */
  public static final String NAME = "mix";

  private static final List<DType> TYPES =
      List.of(
          DType.Block.Q2_K,
          DType.Block.Q3_K,
          DType.Block.IQ4_NL,
          DType.Block.Q4_K,
          DType.Block.Q4_1,
          DType.Block.Q5_0,
          DType.Block.Q5_K,
          DType.Block.Q5_1,
          DType.Block.Q6_K,
          DType.Block.Q8_0);

  /** Bytes that a file may lose between one tensor and the next. */
  private static final int ALIGNMENT = 32;

  public Mix {
    if (!(bits > 0)) {
      throw new IllegalArgumentException("bits=" + bits + ": must be above 0");
    }
    if (!rounding.calibrated()) {
      throw new IllegalArgumentException("mix looks at texts: method refit, gptq-range or gptq");
    }
    if (layers.kinds().contains(LayerKind.EMBEDDING) || layers.kinds().contains(LayerKind.HEAD)) {
      throw new IllegalArgumentException(
          NAME + " is for layers of blocks: attention, feed-forward, router; encode the others");
    }
  }

  /** The pass as recipes write it: {@code mix: 5.5}. */
  public static Mix read(String bits, RecipeFields fields, LayerSelection layers) {
    try {
      return new Mix(Double.parseDouble(bits), Rounding.read(fields), layers);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(bits + " is no number of bits a weight", e);
    }
  }

  /**
   * Bits of a weight with which a model's file has at most so many bytes.
   *
   * @param tables type that embedding tables will have; null: the one they have
   * @param layers whose bits are asked for
   */
  public static double bits(Model model, long fileBytes, DType tables, LayerSelection layers) {
    long[] room = {fileBytes - model.weightFileBytes()};
    long[] weights = {0};
    model
        .transformer()
        .map(
            new LayerMap() {
              @Override
              public Linear linear(Role role, Linear layer) {
                if (layers.chooses(role, layer.weight().name())) {
                  room[0] += layer.weight().tensor().sizeBytes() - ALIGNMENT;
                  weights[0] += layer.weight().tensor().size();
                }
                return layer;
              }

              @Override
              public Embedding embedding(Role role, Embedding table) {
                Tensor now = table.weight().tensor();
                long made =
                    tables == null ? now.sizeBytes() : tables.rowBytes(now.cols()) * now.rows();
                room[0] += now.sizeBytes() - made;
                return table;
              }
            });
    if (room[0] <= 0) {
      throw new IllegalArgumentException(
          "a file of "
              + fileBytes
              + " bytes has no room for the layers: what stands beside them takes "
              + (fileBytes - room[0]));
    }
    return Math.floor(1e5 * room[0] * Byte.SIZE / weights[0]) / 1e5;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String argument() {
    return String.valueOf(bits);
  }

  @Override
  public Map<String, Object> fields() {
    return rounding.fields();
  }

  @Override
  public void foresee(Foreseen model) {
    model.requireTexts(NAME);
    if (!(model.model().head() instanceof Head.NextToken)) {
      throw new RecipeException("it is for decoders: it compares probabilities of tokens");
    }
    new Encode(DType.Block.Q8_0, rounding, layers).foresee(model); // or another type of blocks
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    List<LayersTogether> groups = new ArrayList<>();
    List<List<Choice>> choices = new ArrayList<>();
    try (var sensitivity = new Sensitivity(model, calibration)) {
      for (int i = 0; i < model.blocks().size(); i++) {
        Block block = model.blocks().get(i);
        List<LayersTogether> own = LayersTogether.of(i, block, layers);
        choices.addAll(sensitivity.next(i, block, own, TYPES));
        groups.addAll(own);
      }
    }
    long weights =
        groups.stream()
            .flatMap(g -> g.layers().stream())
            .mapToLong(l -> (long) l.in() * l.out())
            .sum();
    List<Choice> chosen;
    try {
      chosen = Apportionment.of(choices, (long) (bits * weights / Byte.SIZE));
    } catch (IllegalArgumentException e) {
      throw new RecipeException(NAME + ": " + bits + " bits a weight: " + e.getMessage(), e);
    }
    Map<String, DType> types = new HashMap<>();
    for (int g = 0; g < groups.size(); g++) {
      DType type = chosen.get(g).type();
      groups.get(g).layers().forEach(layer -> types.put(layer.weight().name(), type));
    }
    return new Encode(DType.Block.Q8_0, types, rounding, layers).apply(model, calibration, arena);
  }
}
