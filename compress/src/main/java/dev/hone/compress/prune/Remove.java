package dev.hone.compress.prune;

import dev.hone.compress.Foreseen;
import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.RecipeException;
import dev.hone.compress.RecipeFields;
import dev.hone.compress.calibrate.BlockWalk;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.Gram;
import dev.hone.compress.calibrate.Inputs;
import dev.hone.compress.calibrate.Journal;
import dev.hone.compress.prune.Part.Kind;
import dev.hone.model.Block;
import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Removes heads and neurons: what is left is a smaller dense model, whose layers may differ in
 * width. Heads that share keys go together. The layer that reads what is left is fitted to answer
 * as before by least squares ({@link Reconstruction}), unless that is not wanted.
 *
 * <p>Where a share of all weights is asked for, every part is narrowed alone first, to see how much
 * the model's answers change by it, and most is taken where that is least. Decoders keep as many
 * heads in every block, as their caches want it.
 *
 * @param by what is removed first
 * @param damping added to the diagonal of the covariance of what a layer reads, as a share of its
 *     mean: draws fitted weights to what they were
 */
public record Remove(
    Removal removal, Importance by, boolean reconstruct, double damping, LayerSelection layers)
    implements Pass {
  /** What recipes call the pass. */
  public static final String NAME = "remove";

  /** What recipes say of it beside how much. */
  public static final Set<String> FIELDS = Set.of("by", "reconstruct", "damping");

  /** Added to the diagonal where nothing else is asked. */
  public static final double DAMPING = 0.001;

  /** Shares of a part's units that are tried. */
  private static final double[] LEVELS = {0.25, 0.5, 0.75};

  public Remove {
    if (!(damping > 0) || damping > 1) {
      throw new IllegalArgumentException("damping=" + damping + ": above 0, at most 1");
    }
  }

  /** As it does best. */
  public Remove(Removal removal) {
    this(removal, Importance.RECONSTRUCTION, true, DAMPING, LayerSelection.blocks());
  }

  /** The pass as recipes write it: {@code remove: heads=25% ffn=40%}, {@code by: activation}. */
  public static Remove read(String amount, RecipeFields fields, LayerSelection layers) {
    return new Remove(
        Removal.of(amount),
        Importance.of(fields.text("by", Importance.RECONSTRUCTION.label())),
        fields.flag("reconstruct", true),
        fields.number("damping", DAMPING),
        layers);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String argument() {
    return removal.label();
  }

  @Override
  public Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("by", by.label());
    if (!reconstruct) {
      fields.put("reconstruct", false);
    }
    if (damping != DAMPING) {
      fields.put("damping", damping);
    }
    return fields;
  }

  @Override
  public void foresee(Foreseen model) {
    if (looks()) {
      model.requireTexts(NAME + " by " + by.label() + (reconstruct ? " with reconstruction" : ""));
    }
    boolean any = false;
    for (Block block : model.model().blocks()) {
      for (Kind kind : Kind.values()) {
        Optional<Part> part = part(model.model(), block, kind);
        if (part.isPresent()) {
          any = true;
          part.get().makers().forEach(made -> model.layer(made.layer()).ofFloats(Prune.FLOATS));
          model.layer(part.get().reader()).ofFloats(Prune.FLOATS);
          if (removal instanceof Removal.Each each && model.keepsWidths()) {
            requireEnough(amount(each, kind).orElseThrow(), kind, part.get());
          }
        }
      }
    }
    if (!any) {
      throw new RecipeException("nothing that is chosen could be removed");
    }
    model.narrow();
  }

  private static void requireEnough(Amount amount, Kind kind, Part part) {
    if (amount instanceof Amount.Count(long count) && count >= part.units()) {
      throw new RecipeException(
          count
              + " of "
              + part.units()
              + (kind == Kind.HEADS ? " heads (those that share keys as one)" : " neurons")
              + " that "
              + part.reader().weight().name()
              + " reads are to be removed: something must be left");
    }
  }

  /** Whether it looks at texts. */
  private boolean looks() {
    return reconstruct || by.calibrated() || removal instanceof Removal.Together;
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    if (looks()) {
      Map<String, Integer> counts =
          switch (removal) {
            case Removal.Each _ -> Map.of();
            case Removal.Together together -> counts(model, together.share(), calibration);
          };
      Journal journal = Journal.open(calibration.journal(), calibration.key(this, model), arena);
      Transformer narrowed =
          walk(model, calibration)
              .run(
                  model,
                  journal,
                  (block, inputs, own) ->
                      narrow(model, block, Kind.HEADS, inputs, counts, calibration, own),
                  (block, inputs, own) ->
                      narrow(model, block, Kind.NEURONS, inputs, counts, calibration, own));
      return new Outcome(narrowed, LayerChange.between(model, narrowed));
    }
    List<Block> blocks = new ArrayList<>();
    for (Block block : model.blocks()) {
      Block heads = narrow(model, block, Kind.HEADS, null, Map.of(), calibration, arena);
      blocks.add(narrow(model, heads, Kind.NEURONS, null, Map.of(), calibration, arena));
    }
    return new Outcome(model.with(blocks), LayerChange.between(model, model.with(blocks)));
  }

  /** A walk that shows what the layers read that units are columns of. */
  private BlockWalk walk(Transformer model, Calibration calibration) {
    Set<String> readers = new HashSet<>();
    for (Block block : model.blocks()) {
      for (Kind kind : Kind.values()) {
        part(model, block, kind).ifPresent(part -> readers.add(part.reader().name()));
      }
    }
    return new BlockWalk(calibration, layer -> readers.contains(layer.name()), Gram.Extent.ALL);
  }

  /** The part of a block where it is asked for and chosen. */
  private Optional<Part> part(Transformer model, Block block, Kind kind) {
    boolean decoder = model.head() instanceof Head.NextToken;
    boolean asked =
        switch (removal) {
          case Removal.Together _ -> kind == Kind.NEURONS || !decoder;
          case Removal.Each each -> amount(each, kind).isPresent();
        };
    if (!asked) {
      return Optional.empty();
    }
    if (removal instanceof Removal.Each each
        && kind == Kind.HEADS
        && decoder
        && each.heads().get() instanceof Amount.Below) {
      throw new RecipeException(
          "heads="
              + each.heads().get().label()
              + ": a decoder keeps as many heads in every block, as its cache wants it: a share or"
              + " a count");
    }
    Optional<Part> part = Part.of(block, kind);
    if (part.isEmpty() && removal instanceof Removal.Each) {
      throw new RecipeException("the neurons of experts cannot be removed yet");
    }
    Role role = kind == Kind.HEADS ? Role.ATTENTION_OUTPUT : Role.FEED_FORWARD_DOWN;
    return part.filter(p -> layers.chooses(role, p.reader().weight().name()));
  }

  private static Optional<Amount> amount(Removal.Each each, Kind kind) {
    return switch (kind) {
      case HEADS -> each.heads();
      case NEURONS -> each.neurons();
    };
  }

  private Block narrow(
      Transformer model,
      Block block,
      Kind kind,
      Inputs inputs,
      Map<String, Integer> counts,
      Calibration calibration,
      Arena arena) {
    Optional<Part> part = part(model, block, kind);
    if (part.isEmpty()) {
      return block;
    }
    Gram gram = inputs == null ? null : inputs.of(part.get().reader()).orElseThrow();
    int known = counts.getOrDefault(part.get().reader().name(), -1);
    if (known == 0) {
      return block;
    }
    Order order = by.order(part.get(), gram, damping, calibration.pool());
    int gone =
        switch (removal) {
          case Removal.Together _ -> known;
          case Removal.Each each -> order.count(amount(each, kind).orElseThrow());
        };
    return narrow(block, part.get(), order.kept(gone), gram, calibration, arena);
  }

  private Block narrow(
      Block block, Part part, int[] kept, Gram gram, Calibration calibration, Arena arena) {
    if (kept.length == part.units()) {
      return block;
    }
    Reconstruction.Made made =
        reconstruct ? new Reconstruction(part, gram, damping, calibration.pool()).of(kept) : null;
    return Narrowing.of(block, part, kept, made, arena);
  }

  /** Units that go from every part, by the names of their readers. */
  private Map<String, Integer> counts(Transformer model, double share, Calibration calibration) {
    var change = new AnswerChange(model, calibration);
    List<Allocation.Curve> curves = new ArrayList<>();
    List<Block> seen = new ArrayList<>();
    walk(model, calibration)
        .run(
            model,
            Journal.NONE,
            (block, inputs, _) -> {
              for (Kind kind : Kind.values()) {
                Optional<Part> part = part(model, block, kind).filter(p -> p.units() > 1);
                if (part.isPresent()) {
                  curves.add(curve(model, seen.size(), part.get(), inputs, change, calibration));
                }
              }
              seen.add(block);
              return block;
            });
    long weights = model.blocks().stream().mapToLong(Remove::weights).sum();
    try {
      return Allocation.of(curves, Math.round(share * weights));
    } catch (IllegalArgumentException e) {
      throw new RecipeException(e.getMessage(), e);
    }
  }

  private Allocation.Curve curve(
      Transformer model,
      int index,
      Part part,
      Inputs inputs,
      AnswerChange change,
      Calibration calibration) {
    Gram gram = inputs.of(part.reader()).orElseThrow();
    Order order = by.order(part, gram, damping, calibration.pool());
    int[] levels =
        Arrays.stream(LEVELS)
            .mapToInt(level -> (int) Math.round(level * part.units()))
            .filter(k -> k > 0 && k < part.units())
            .distinct()
            .toArray();
    double[] changes = new double[levels.length];
    for (int l = 0; l < levels.length; l++) {
      try (Arena own = Arena.ofShared()) {
        List<Block> blocks = new ArrayList<>(model.blocks());
        Block block = model.blocks().get(index);
        blocks.set(index, narrow(block, part, order.kept(levels[l]), gram, calibration, own));
        changes[l] = change.of(model.with(blocks));
      }
    }
    return Allocation.Curve.of(part, order, levels, changes);
  }

  /** Weights of a block's matrices. */
  private static long weights(Block block) {
    long[] sum = new long[1];
    block.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            sum[0] += layer.weight().tensor().size();
            return layer;
          }
        });
    return sum[0];
  }
}
