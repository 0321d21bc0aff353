package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.kernel.panels.FloatPanels;
import dev.hone.tensor.kernel.panels.IntegerPanels;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import dev.hone.tensor.kernel.x86.Widener.Shift;
import dev.hone.tensor.kernel.x86.Widener.Source;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** WidenedPanels that are not F32: made floats, part by part, or multiplied with as they are. */
final class Widening {
  private static final int MOST_MIDDLE = 255;

  record Form(Source source, Shift shift) {}

  private record FewRowsForm(Form form, int rows) {}

  private final Width width;
  private final int columns;
  private final Scratch scratch;

  /** Made when a weight of that form comes along. */
  private final Map<Form, WideningKernel> kernels = new ConcurrentHashMap<>();

  private final Map<FewRowsForm, FewRowsKernel> fewRows = new ConcurrentHashMap<>();
  private final Map<Plain, SparseWideningKernel> sparse = new ConcurrentHashMap<>();

  private final Map<SparseRowsKernel.Form, SparseRowsKernel> sparseRows = new ConcurrentHashMap<>();

  /** -0, -1, -2 ... : what is added where all groups have one zero. */
  private final MemorySegment minus;

  Widening(Width width, int columns, Scratch scratch) {
    this.width = width;
    this.scratch = scratch;
    this.columns = columns;
    minus = Arena.global().allocate((MOST_MIDDLE + 1L) * Float.BYTES, Float.BYTES);
    for (int i = 0; i <= MOST_MIDDLE; i++) {
      minus.setAtIndex(ValueLayout.JAVA_FLOAT, i, -i);
    }
  }

  WideningKernel kernel(Form form) {
    return kernels.computeIfAbsent(form, this::tried);
  }

  private WideningKernel tried(Form form) {
    try (var trial = new WideningTrial(form, columns)) {
      return trial.tried(new WideningKernel(width, columns, form.source(), form.shift()));
    }
  }

  FewRowsKernel fewRows(Form form, int rows) {
    return fewRows.computeIfAbsent(new FewRowsForm(form, rows), this::tried);
  }

  private FewRowsKernel tried(FewRowsForm wanted) {
    Form form = wanted.form();
    int rows = wanted.rows();
    try (var trial = new WideningTrial(form, columns)) {
      return trial.tried(
          new FewRowsKernel(width, columns, form.source(), form.shift(), rows), rows);
    }
  }

  SparseWideningKernel sparse(Plain type) {
    return sparse.computeIfAbsent(type, t -> new SparseWideningKernel(t, columns));
  }

  SparseRowsKernel sparseRows(SparseRowsKernel.Form form) {
    return sparseRows.computeIfAbsent(form, SparseRowsKernel::new);
  }

  /** Every form there is. */
  static List<Form> forms() {
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
    List<Assembly> all = new ArrayList<>();
    for (Form form : forms()) {
      if (form.source() != Source.F32) {
        all.add(WideningKernel.assemble(width, columns, form.source(), form.shift()));
      }
      for (int rows : new int[] {1, 3, FewRowsKernel.MOST_ROWS}) {
        all.add(FewRowsKernel.assemble(width, columns, form.source(), form.shift(), rows));
      }
    }
    for (Plain type : width == Width.ZMM ? Plain.values() : new Plain[0]) {
      if (SparsePanels.fits(type)) {
        all.add(SparseWideningKernel.assemble(type, columns));
        all.add(SparseRowsKernel.assemble(new SparseRowsKernel.Form(type, columns, 1)));
        all.add(
            SparseRowsKernel.assemble(
                new SparseRowsKernel.Form(type, columns, SparseRowsKernel.MOST_ROWS)));
      }
    }
    return all;
  }

  /**
   * Widens input features {@code from .. to} of a panel.
   *
   * @param from even
   * @param out [to - from][columns], and room for one row more
   */
  void widen(WidenedPanels panels, int panel, int from, int to, MemorySegment out) {
    switch (panels) {
      case FloatPanels floats -> floats(floats, panel, from, to, out);
      case IntegerPanels integers -> integers(integers, panel, from, to, out);
      case SparsePanels some ->
          sparse(some.type())
              .run(bits(some, panel, from), numbers(some, panel, from), out, to - from);
    }
  }

  private void floats(FloatPanels panels, int panel, int from, int to, MemorySegment out) {
    long at = panels.at(panel, from);
    MemorySegment data = panels.data().asSlice(at, panels.at(panel, to) - at);
    kernel(form(panels)).run(data, out, to - from, MemorySegment.NULL, MemorySegment.NULL);
  }

  private void integers(IntegerPanels panels, int panel, int from, int to, MemorySegment out) {
    WideningKernel kernel = kernel(form(panels));
    long floatBytes = (long) columns * Float.BYTES;
    for (int k = from; k < to; ) {
      int group = k / panels.group();
      int end = Math.min(to, (group + 1) * panels.group());
      kernel.run(
          panels.data().asSlice(panels.at(panel, k)),
          out.asSlice((k - from) * floatBytes),
          end - k,
          scales(panels, panel, group),
          shifts(panels, panel, group));
      k = end;
    }
  }

  /** Whether {@link #multiply} can do it; else the panel is widened first. */
  static boolean multiplies(WidenedPanels panels, int rows) {
    boolean unrolled = panels.cols() % FewRowsKernel.UNROLL == 0;
    return switch (panels) {
      case FloatPanels _ -> rows <= FewRowsKernel.MOST_ROWS && unrolled;
      case IntegerPanels integers ->
          rows <= FewRowsKernel.MOST_ROWS
              && unrolled
              && integers.group() % FewRowsKernel.UNROLL == 0;
      case SparsePanels _ -> rows <= SparseRowsKernel.MOST_ROWS;
    };
  }

  /** A few rows times a panel: see {@link FewRowsKernel} and {@link SparseRowsKernel}. */
  void multiply(
      MemorySegment a,
      long aStride,
      int rows,
      WidenedPanels panels,
      int panel,
      MemorySegment c,
      long cStride,
      MemorySegment start) {
    int depth = panels.cols();
    switch (panels) {
      case FloatPanels floats -> {
        FewRowsKernel kernel = fewRows(form(floats), rows);
        MemorySegment sums = scratch.take(FewRowsKernel.sumBytes(columns, rows));
        MemorySegment data = floats.data().asSlice(floats.at(panel, 0));
        MemorySegment none = MemorySegment.NULL;
        kernel.run(a, aStride, data, sums, c, cStride, start, none, none, depth, depth);
        scratch.putBack(sums);
      }
      case IntegerPanels integers -> {
        FewRowsKernel kernel = fewRows(form(integers), rows);
        MemorySegment sums = scratch.take(FewRowsKernel.sumBytes(columns, rows));
        MemorySegment data = integers.data().asSlice(integers.at(panel, 0));
        MemorySegment scales = scales(integers, panel, 0);
        MemorySegment shifts = shifts(integers, panel, 0);
        int group = integers.group();
        kernel.run(a, aStride, data, sums, c, cStride, start, scales, shifts, depth, group);
        scratch.putBack(sums);
      }
      case SparsePanels some ->
          sparseRows(new SparseRowsKernel.Form(some.type(), some.columns(), rows))
              .run(
                  a,
                  aStride,
                  bits(some, panel, 0),
                  numbers(some, panel, 0),
                  c,
                  cStride,
                  start,
                  depth);
    }
  }

  private static MemorySegment bits(SparsePanels panels, int panel, int k) {
    return panels.bits().asSlice(panels.bitsAt(panel, k));
  }

  private static MemorySegment numbers(SparsePanels panels, int panel, int k) {
    return panels.numbers().asSlice(panels.numberAt(panel, k));
  }

  private static Form form(FloatPanels panels) {
    Source source =
        switch (panels.type()) {
          case F32 -> Source.F32;
          case F16 -> Source.F16;
          case BF16 -> Source.BF16;
          case F64, I64, I32, I16, I8, U8, BOOL ->
              throw new IllegalStateException(panels.type() + " is not widened");
        };
    return new Form(source, Shift.NONE);
  }

  private static Form form(IntegerPanels panels) {
    return new Form(panels.bits() == 8 ? Source.BYTES : Source.NIBBLES, shift(panels));
  }

  private static Shift shift(IntegerPanels panels) {
    if (panels.shifts() != null) {
      return Shift.FLOATS;
    }
    return panels.zeros() != null ? Shift.ZEROS : Shift.ONE;
  }

  /** From a group's scales on. */
  private static MemorySegment scales(IntegerPanels panels, int panel, int group) {
    return panels.scales().asSlice(panels.groupOf(panel, group) * Float.BYTES);
  }

  private MemorySegment shifts(IntegerPanels panels, int panel, int group) {
    long at = panels.groupOf(panel, group);
    return switch (shift(panels)) {
      case FLOATS -> panels.shifts().asSlice(at * Float.BYTES);
      case ZEROS -> panels.zeros().asSlice(at);
      case ONE -> minus.asSlice((long) panels.middle() * Float.BYTES, Float.BYTES);
      case NONE -> throw new IllegalStateException("integers have a shift");
    };
  }
}
