package dev.hone.tensor;

import java.util.Arrays;

/**
 * What the numbers of a layer's input are multiplied with before they are rounded, column by
 * column; its weights stand divided by the same. Numbers that do not change: two of the same
 * factors are equal.
 */
public final class ColumnFactors {
  /** Every column is read as it comes. */
  public static final ColumnFactors NONE = new ColumnFactors(new float[0]);

  private final float[] factors;

  private ColumnFactors(float[] factors) {
    this.factors = factors;
  }

  /**
   * One factor a column.
   *
   * @throws IllegalArgumentException where one is no positive number
   */
  public static ColumnFactors of(float... factors) {
    for (int i = 0; i < factors.length; i++) {
      if (!(factors[i] >= Float.MIN_NORMAL && factors[i] < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "factor " + factors[i] + " of column " + i + ": must be a positive number");
      }
    }
    return factors.length == 0 ? NONE : new ColumnFactors(factors.clone());
  }

  /** Whether columns are read as they come. */
  public boolean none() {
    return factors.length == 0;
  }

  /** How many columns have one; 0 where there are none. */
  public int columns() {
    return factors.length;
  }

  /** The factor of a column. */
  public float of(int column) {
    return none() ? 1 : factors[column];
  }

  /** All of them, in order; nothing where there are none. */
  public float[] toArray() {
    return factors.clone();
  }

  /** Those of some columns. */
  public ColumnFactors some(int[] columns) {
    float[] some = new float[none() ? 0 : columns.length];
    for (int i = 0; i < some.length; i++) {
      some[i] = factors[columns[i]];
    }
    return of(some);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ColumnFactors o && Arrays.equals(factors, o.factors);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(factors);
  }

  @Override
  public String toString() {
    return Arrays.toString(factors);
  }
}
