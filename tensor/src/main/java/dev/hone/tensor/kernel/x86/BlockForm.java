package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.util.Locale;
import java.util.Set;

/**
 * What a product of rounded blocks with {@link BlockPanels} is written for.
 *
 * @param middle what is taken from each integer of a weight; 0 where there are shifts
 * @param shifted whether groups have a shift
 * @param scaleBytes 2 for F16, 4 for F32
 */
record BlockForm(Width width, Arithmetic arithmetic, int middle, boolean shifted, int scaleBytes) {

  /** How integers are multiplied and added; what of a weight and of a row is read for it. */
  enum Arithmetic {
    /** 4 bits by 8: VPMADDUBSW, added in 16 bits, which hold a block of such products. */
    NIBBLES(4, 4),
    /** 4 bits by 8: VPDPBUSD. */
    NIBBLE_DOTS(4, 4),
    /** 8 bits by 8, both as 16: VPMADDWD. 16 bits could not hold two products of bytes. */
    WORDS(8, 2),
    /** 8 bits, unsigned, by 8: VPDPBUSD. */
    DOTS(8, 4);

    private final int bits;
    private final int unit;

    Arithmetic(int bits, int unit) {
      this.bits = bits;
      this.unit = unit;
    }

    /** Of a number of a weight. */
    int bits() {
      return bits;
    }

    /** Numbers that are multiplied and added at once. */
    int unit() {
      return unit;
    }

    /** Of a number of a row. */
    int rowBytes() {
      return this == WORDS ? 2 : 1;
    }

    boolean dots() {
      return this == NIBBLE_DOTS || this == DOTS;
    }
  }

  /** Across a panel. */
  static final int VECTORS = 2;

  /** Rows of a tile, at most: as many as there are registers for, if need be for one sum each. */
  int height() {
    return width == Width.ZMM ? 7 : 6;
  }

  int columns() {
    return VECTORS * width.floats();
  }

  /** Bytes that a row's block takes. */
  int rowBlockBytes() {
    return Input.BLOCK * arithmetic.rowBytes() + ROW_FACTORS;
  }

  /** Behind the numbers of a row's block: its scale F32, and what stands in for the middle. */
  static final int ROW_FACTORS = 2 * Float.BYTES;

  private static boolean dots(Set<Feature> features) {
    return features.contains(
        features.contains(Feature.AVX512) ? Feature.AVX512_VNNI : Feature.AVX_VNNI);
  }

  private static Width width(Set<Feature> features) {
    return features.contains(Feature.AVX512) ? Width.ZMM : Width.YMM;
  }

  /** How panels must lie for a processor. */
  static BlockPanels.Wanted wanted(Set<Feature> features) {
    Width width = width(features);
    boolean dots = dots(features);
    int unit = (dots ? Arithmetic.DOTS : Arithmetic.WORDS).unit();
    return new BlockPanels.Wanted(VECTORS * width.floats(), unit, dots);
  }

  /** The one for panels on a processor. */
  static BlockForm of(BlockPanels.Form panels, Set<Feature> features) {
    boolean dots = dots(features);
    Arithmetic arithmetic =
        panels.bits() == 4
            ? dots ? Arithmetic.NIBBLE_DOTS : Arithmetic.NIBBLES
            : dots ? Arithmetic.DOTS : Arithmetic.WORDS;
    return new BlockForm(
        width(features), arithmetic, panels.middle(), panels.shifted(), panels.scaleBytes());
  }

  /** How its panels lie. */
  BlockPanels.Form panels() {
    return new BlockPanels.Form(
        columns(), arithmetic.bits(), arithmetic.unit(), middle, shifted, scaleBytes);
  }

  @Override
  public String toString() {
    String factors = (shifted ? "shifts" : "middle" + middle) + "-f" + scaleBytes * Byte.SIZE;
    String name = arithmetic + "-" + factors + "-" + width;
    return name.toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
