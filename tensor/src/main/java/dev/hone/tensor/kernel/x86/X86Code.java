package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.DotPanels;
import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import dev.hone.tensor.kernel.x86.TileWriter.Tile;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The kernels as they were assembled for this processor, once a process. */
final class X86Code {
  /** What products by tiles are written with. */
  private static final Set<Feature> TILES =
      EnumSet.of(
          Feature.AVX512,
          Feature.AVX512_VNNI,
          Feature.AVX512_BF16,
          Feature.AMX_INT8,
          Feature.AMX_BF16);

  /** What products of BF16 by vectors are. */
  private static final Set<Feature> PAIRS = EnumSet.of(Feature.AVX512, Feature.AVX512_BF16);

  /** What attention by tiles is. */
  private static final Set<Feature> SPLITS =
      EnumSet.of(Feature.AVX512, Feature.AVX512_BF16, Feature.AMX_BF16);

  private final Set<Feature> features;
  private final ProductKernel product;
  private final ProductKernel narrowProduct;
  private final IntegerProductKernel integerProduct;

  /** Null where there are none. */
  private final Tiles tiles;

  /** Null where there are none that are faster than floats. */
  private final Pairs pairs;

  private final Map<Input, RoundingKernel> rounding = new HashMap<>();
  private final RoundingKernel staticRounding;
  private final SoftmaxKernel softmax = new SoftmaxKernel();

  /** Null where there are no tiles. */
  private final Splits splits;

  /** The same where values may be rounded. */
  private final Splits roundingSplits;

  private final TransposeKernel transpose;
  private final KeyDotsKernel keyDots = new KeyDotsKernel();
  private final ValueSumKernel valueSum = new ValueSumKernel();
  private final RowsKernel rows = new RowsKernel();

  /** Made when a norm of that form comes along. */
  private final Map<NormKernel.Form, NormKernel> norms = new ConcurrentHashMap<>();

  private final Widening widening;
  private final Blocks blocks;
  private final Scratch scratch = new Scratch();
  private final Map<ActivationKernel.Form, ActivationKernel> activations = new HashMap<>();
  private final MemorySegment zeros;

  private X86Code(Set<Feature> features) {
    this.features = features;
    boolean wide = features.contains(Feature.AVX512);
    product = new ProductKernel(wide ? Tile.AVX512 : Tile.AVX2, ProductKernel.Form.FLOATS);
    narrowProduct =
        wide ? new ProductKernel(Tile.AVX512_NARROW, ProductKernel.Form.FLOATS) : product;
    integerProduct = IntegerProductKernel.of(features);
    tiles = features.containsAll(TILES) ? new Tiles() : null;
    pairs =
        tiles == null && features.containsAll(PAIRS)
            ? new Pairs(
                new PairRowsKernel(), new ProductKernel(Tile.AVX512, ProductKernel.Form.PAIRS))
            : null;
    splits = features.containsAll(SPLITS) ? new Splits(2) : null;
    roundingSplits = splits == null ? null : new Splits(1);
    transpose = new TransposeKernel(narrowProduct.columns());
    widening = new Widening(width(), product.columns(), scratch);
    blocks = new Blocks(features);
    for (Activation activation : Activation.values()) {
      for (boolean gated : new boolean[] {false, true}) {
        var form = new ActivationKernel.Form(activation, gated);
        activations.put(form, new ActivationKernel(form, width()));
      }
    }
    for (Input input : Input.Kind.values()) {
      if (input.ofRows()) {
        rounding.put(input, new RoundingKernel(input, integerProduct.form()));
      }
    }
    staticRounding = new RoundingKernel(StaticInt8.of(0, 0), integerProduct.form());
    zeros = Arena.global().allocate((long) product.columns() * Float.BYTES, Tensor.ALIGNMENT);
  }

  /** Products of BF16 by vectors. */
  record Pairs(PairRowsKernel rows, ProductKernel product) {}

  /**
   * The code, or why there is none.
   *
   * @param code null where there is none
   * @param reason what it was made for, or what is missing
   */
  record Attempt(X86Code code, String reason) {}

  private static final class Here {
    static final Attempt ATTEMPT = attempt();
  }

  static Attempt here() {
    return Here.ATTEMPT;
  }

  private static Attempt attempt() {
    String system = System.getProperty("os.name") + " on " + System.getProperty("os.arch");
    if (!system.equals("Linux on amd64")) {
      return new Attempt(null, "written for Linux on amd64, not " + system);
    }
    try {
      Set<Feature> features = CpuFeatures.detect();
      if (!features.contains(Feature.AVX2_FMA)) {
        return new Attempt(null, "this processor lacks AVX2, FMA or F16C");
      }
      String refused = "";
      boolean tiles = features.contains(Feature.AMX_INT8) || features.contains(Feature.AMX_BF16);
      if (tiles && !CodeMemory.permitsTiles()) {
        // Where there are tiles, VDPBF16PS takes longer than two VFMADD231PS do.
        features.removeAll(EnumSet.of(Feature.AMX_INT8, Feature.AMX_BF16, Feature.AVX512_BF16));
        refused = " (the system does not permit AMX)";
      }
      X86Code code = new X86Code(features);
      String label = code.label() + refused;
      Optional<String> wrong = SelfTest.run(code);
      return wrong.map(what -> new Attempt(null, what)).orElseGet(() -> new Attempt(code, label));
    } catch (CodeMemory.RefusedException e) {
      return new Attempt(null, "this system lets no code be made: " + e.getMessage());
    }
  }

  Width width() {
    return features.contains(Feature.AVX512) ? Width.ZMM : Width.YMM;
  }

  boolean has(Feature feature) {
    return features.contains(feature);
  }

  ProductKernel product() {
    return product;
  }

  /** Attention's, with panels of fewer columns: most heads fill them. */
  ProductKernel narrowProduct() {
    return narrowProduct;
  }

  IntegerProductKernel integerProduct() {
    return integerProduct;
  }

  boolean hasTiles() {
    return tiles != null;
  }

  /** Where it {@link #hasTiles}. */
  Tiles tiles() {
    return tiles;
  }

  boolean hasPairs() {
    return pairs != null;
  }

  /** Where it {@link #hasPairs}. */
  Pairs pairs() {
    return pairs;
  }

  /** How bytes are to lie that are multiplied with bytes. */
  DotPanels.Order dotOrder() {
    return hasTiles()
        ? DotPanels.Order.TILES
        : DotPanels.Order.of(integerProduct.columns(), integerProduct.form().unit());
  }

  RoundingKernel rounding(Input input) {
    return input instanceof StaticInt8 ? staticRounding : rounding.get(input);
  }

  SoftmaxKernel softmax() {
    return softmax;
  }

  TransposeKernel transpose() {
    return transpose;
  }

  /** Null where there are no tiles. */
  Splits splits(boolean rounding) {
    return rounding ? roundingSplits : splits;
  }

  KeyDotsKernel keyDots() {
    return keyDots;
  }

  ValueSumKernel valueSum() {
    return valueSum;
  }

  RowsKernel rows() {
    return rows;
  }

  NormKernel norm(NormKernel.Form form) {
    return norms.computeIfAbsent(form, wanted -> new NormKernel(wanted, width()));
  }

  Widening widening() {
    return widening;
  }

  Blocks blocks() {
    return blocks;
  }

  Scratch scratch() {
    return scratch;
  }

  ActivationKernel activation(Activation activation) {
    return activations.get(new ActivationKernel.Form(activation, false));
  }

  /** An activation times another row. */
  ActivationKernel gate(Activation activation) {
    return activations.get(new ActivationKernel.Form(activation, true));
  }

  Collection<ActivationKernel> activations() {
    return activations.values();
  }

  /** A panel's width of zeros. */
  MemorySegment zeros() {
    return zeros;
  }

  /** What it was written with: {@code avx2+fma}, {@code avx512}, {@code avx512+amx}. */
  private String label() {
    String vectors = vectorLabel();
    return hasTiles() ? vectors + "+amx" : vectors;
  }

  private String vectorLabel() {
    return (features.contains(Feature.AVX512) ? Feature.AVX512 : Feature.AVX2_FMA)
        .name()
        .toLowerCase(Locale.ROOT)
        .replace('_', '+');
  }
}
