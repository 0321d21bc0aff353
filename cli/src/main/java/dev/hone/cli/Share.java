package dev.hone.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A share, as {@code 1%} or as {@code 0.01}. */
final class Share implements ITypeConverter<Double> {
  @Override
  public Double convert(String text) {
    boolean percent = text.endsWith("%");
    try {
      double number = Double.parseDouble(percent ? text.substring(0, text.length() - 1) : text);
      double share = percent ? number / 100 : number;
      if (share >= 0 && share < 1) {
        return share;
      }
    } catch (NumberFormatException e) {
      // Told below, like a number out of range.
    }
    throw new TypeConversionException("'" + text + "' is no share from 0 to 1, such as 1% or 0.01");
  }
}
