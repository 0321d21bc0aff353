package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.panels.FloatPanels;
import dev.hone.tensor.kernel.panels.IntegerPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.x86.WideningKernel.Shift;
import dev.hone.tensor.kernel.x86.WideningKernel.Source;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A part of a panel as floats, whatever its precision. */
final class Widening {
  private static final int MOST_MIDDLE = 255;

  private record Form(Source source, Shift shift) {}

  private final int columns;
  private final Map<Form, WideningKernel> kernels = new HashMap<>();

  /** -0, -1, -2 ... : what is added where all groups have one zero. */
  private final MemorySegment minus;

  Widening(Width width, int columns) {
    this.columns = columns;
    for (Form form : forms()) {
      kernels.put(form, new WideningKernel(width, columns, form.source(), form.shift()));
    }
    minus = Arena.global().allocate((MOST_MIDDLE + 1L) * Float.BYTES, Float.BYTES);
    for (int i = 0; i <= MOST_MIDDLE; i++) {
      minus.setAtIndex(ValueLayout.JAVA_FLOAT, i, -i);
    }
  }

  private static List<Form> forms() {
    List<Form> forms = new ArrayList<>();
    for (Source source : Source.values()) {
      for (Shift shift : source.scaled() ? Shift.values() : new Shift[] {Shift.NONE}) {
        forms.add(new Form(source, shift));
      }
    }
    forms.removeIf(form -> form.source().scaled() && form.shift() == Shift.NONE);
    return forms;
  }

  static List<Assembly> assemblies(Width width, int columns) {
    return forms().stream()
        .map(form -> WideningKernel.assemble(width, columns, form.source(), form.shift()))
        .toList();
  }

  Collection<WideningKernel> kernels() {
    return kernels.values();
  }

  /**
   * Widens input features {@code from .. to} of a panel.
   *
   * @param from even
   * @param out [to - from][columns], and room for one row more
   */
  void widen(Panels panels, int panel, int from, int to, MemorySegment out) {
    switch (panels) {
      case FloatPanels floats -> floats(floats, panel, from, to, out);
      case IntegerPanels integers -> integers(integers, panel, from, to, out);
    }
  }

  private void floats(FloatPanels panels, int panel, int from, int to, MemorySegment out) {
    Source source =
        switch (panels.type()) {
          case F16 -> Source.F16;
          case BF16 -> Source.BF16;
          case F32, F64, I64, I32, I16, I8, U8, BOOL ->
              throw new IllegalStateException(panels.type() + " is not widened");
        };
    long at = panels.at(panel, from);
    MemorySegment data = panels.data().asSlice(at, panels.at(panel, to) - at);
    kernels
        .get(new Form(source, Shift.NONE))
        .run(data, out, to - from, MemorySegment.NULL, MemorySegment.NULL);
  }

  private void integers(IntegerPanels panels, int panel, int from, int to, MemorySegment out) {
    Source source = panels.bits() == 8 ? Source.BYTES : Source.NIBBLES;
    Shift shift =
        panels.shifts() != null ? Shift.FLOATS : panels.zeros() != null ? Shift.ZEROS : Shift.ONE;
    WideningKernel kernel = kernels.get(new Form(source, shift));
    long floatBytes = (long) columns * Float.BYTES;
    for (int k = from; k < to; ) {
      int group = k / panels.group();
      int end = Math.min(to, (group + 1) * panels.group());
      long at = panels.groupOf(panel, group);
      MemorySegment shifts =
          switch (shift) {
            case FLOATS -> panels.shifts().asSlice(at * Float.BYTES, floatBytes);
            case ZEROS -> panels.zeros().asSlice(at, columns);
            case ONE -> minus.asSlice((long) panels.middle() * Float.BYTES, Float.BYTES);
            case NONE -> throw new IllegalStateException();
          };
      kernel.run(
          panels.data().asSlice(panels.at(panel, k)),
          out.asSlice((k - from) * floatBytes),
          end - k,
          panels.scales().asSlice(at * Float.BYTES, floatBytes),
          shifts);
      k = end;
    }
  }
}
