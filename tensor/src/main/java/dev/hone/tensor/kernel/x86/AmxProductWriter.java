package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Tmm;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Writes the code of {@link AmxProductKernel}; a field is a register, or a place on the stack.
 * Where panels are made of blocks, the next one is made beside the steps of this one: with vectors,
 * while tiles are multiplied.
 */
final class AmxProductWriter implements TileRound.Writer {
  /** Lines of the next block that a step asks for: in four passes all of it. */
  private static final int PASSES = 4;

  private static final int LINE = 64;

  /** Room for the places, and for what lies below the stack pointer until then. */
  private static final int ROOM = 16 * Long.BYTES;

  /** Rows that are finished beside a step. */
  private static final int BESIDE = 4;

  /** Steps beside which a block of the next panel is made. */
  private static final int STEPS_OF_BLOCK = 4;

  private final AmxForm form;
  private final boolean adds;
  private final Assembler asm = new Assembler();
  private final Registers registers = new Registers(Width.ZMM);
  private final Gpr a = registers.argument("a");
  private final Gpr b = registers.argument("b");
  private final Gpr c = registers.argument("c");
  private final Gpr cStride = registers.argument("stride of c");
  private final Gpr rows = registers.argument("rows");
  private final Gpr steps = registers.argument("steps");
  private final Gpr tiles = registers.gpr("two tiles of a");

  /** Asked for to be written: those of the rows that are multiplied, one a step. */
  private final Gpr written = registers.gpr("row of c that is asked for");

  private final Gpr panel = registers.gpr("panel");
  private final Gpr k = registers.gpr("k");
  private final Gpr line = registers.gpr("stride of a tile");

  /** Of the rows whose sums are whole, but not yet in c. */
  private final Gpr waiting = registers.renamed(rows, "rows that wait");

  private final Gpr sums = registers.gpr("their sums");
  private final Gpr out = registers.gpr("their c");

  /** Of products of bytes; others have the next panel's tiles there, where they are made. */
  private final Gpr grids = registers.gpr("their grids");

  /** What is asked for of the next block; where the next panel is made, its blocks. */
  private final Gpr ahead = registers.gpr("ahead");

  /** Items of the next panel that are still to be made. */
  private final Gpr items = registers.renamed(steps, "items");

  /** Makes the next panel; null where none is made. */
  private final BlockTilesWriter next;

  private final Vec[] bias = registers.vecs("bias", 2);
  private final Vec[] numbers = registers.vecs("numbers", 2);
  private final Vec[] scales = registers.vecs("scales", 2);
  private final Vec[] columnSums = registers.vecs("sums of columns", 2);
  private final Vec scale = registers.vec("scale of a row");
  private final Vec zero = registers.vec("zero of a row");

  private final Memory block = argument(0);
  private final Memory panels = argument(1);
  private final Memory biasAt = argument(2);
  private final Memory biasStride = argument(3);
  private final Memory sumsAt = argument(4);
  private final Memory sumsStride = argument(5);
  private final Memory gridsAt = argument(6);
  private final Memory scalesAt = argument(7);
  private final Memory configuration = argument(8);
  private final Memory firstA = local(0);
  private final Memory allRows = local(1);
  private final Memory rowsLeft = local(2);
  private final Memory stepsLeft = local(3);
  private final Memory now = local(4);
  private final Memory blockOfA = local(5);
  private final Memory sumsNow = local(6);
  private final Memory outNow = local(7);
  private final Memory gridsNow = local(8);
  private final Memory waitingBias = local(9);
  private final Memory waitingScales = local(10);
  private final Memory allSteps = local(11);
  private final Memory bytesOfTiles = local(12);

  AmxProductWriter(AmxForm form) {
    this.form = form;
    adds = false;
    next = null;
  }

  /**
   * Of panels that are made of blocks.
   *
   * @param adds whether sums are added to what c holds, not to a bias
   */
  AmxProductWriter(BlockForm blocks, boolean adds) {
    form = AmxForm.BF16;
    this.adds = adds;
    next = new BlockTilesWriter(asm, registers, blocks, ahead, grids, items);
  }

  private static Memory local(int index) {
    return Memory.at(Gpr.RSP, index * Long.BYTES);
  }

  private Memory argument(int index) {
    return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index).plus(ROOM);
  }

  Assembly write() {
    asm.enter(registers);
    asm.sub(Gpr.RSP, ROOM);
    asm.mov(k, configuration);
    asm.ldtilecfg(Memory.at(k, 0));
    asm.mov(firstA, a);
    asm.mov(allRows, rows);
    asm.mov(allSteps, steps);
    asm.mov(k, steps);
    asm.shl(k, Integer.numberOfTrailingZeros(form.rowStep()));
    asm.mov(bytesOfTiles, k);
    asm.mov(line, LINE);
    asm.mov(waiting, 0);
    copy(biasAt, waitingBias);
    copy(scalesAt, waitingScales);
    if (next != null) {
      beginNext();
    }
    Label nextPanel = asm.here();
    asm.mov(a, firstA);
    copy(allSteps, stepsLeft);
    Label nextBlock = asm.here();
    beginBlock();
    rows();
    asm.add(a, blockOfA);
    asm.mov(k, now);
    asm.shl(k, Integer.numberOfTrailingZeros(form.panelStep()));
    asm.add(b, k);
    asm.mov(k, stepsLeft);
    asm.sub(k, now);
    asm.mov(stepsLeft, k);
    asm.test(k, k);
    asm.jne(nextBlock);
    asm.add(c, AmxProductKernel.PANEL_ROW);
    advance(biasAt, biasStride);
    if (form == AmxForm.INT8) {
      advance(scalesAt, 2 * AmxProductKernel.PANEL_ROW);
    }
    asm.mov(k, panels);
    asm.sub(k, 1);
    asm.mov(panels, k);
    asm.jne(nextPanel);
    loadPanel();
    finishAll();
    if (next != null) {
      next.all();
    }
    asm.tilerelease();
    asm.add(Gpr.RSP, ROOM);
    asm.leave(registers);
    String name = "product-tiles-" + form.name().toLowerCase(Locale.ROOT).replace('_', '-');
    return asm.finish(
        next == null ? name : name + (adds ? "-adds" : "") + "-beside-" + next.form());
  }

  /** The next panel has as many blocks as this one steps; none where there is no next one. */
  private void beginNext() {
    Label there = new Label();
    asm.mov(ahead, gridsAt);
    asm.mov(grids, scalesAt);
    asm.shl(items, Integer.numberOfTrailingZeros(next.items()));
    asm.test(ahead, ahead);
    asm.jne(there);
    asm.mov(items, 0);
    asm.bind(there);
    next.begin(k);
  }

  private void copy(Memory from, Memory to) {
    asm.mov(k, from);
    asm.mov(to, k);
  }

  private void advance(Memory place, Memory bytes) {
    asm.mov(k, place);
    asm.add(k, bytes);
    asm.mov(place, k);
  }

  private void advance(Memory place, int bytes) {
    asm.mov(k, place);
    asm.add(k, bytes);
    asm.mov(place, k);
  }

  private void beginBlock() {
    Label whole = new Label();
    asm.mov(k, block);
    asm.cmp(k, stepsLeft);
    asm.jle(whole);
    asm.mov(k, stepsLeft);
    asm.bind(whole);
    asm.mov(now, k);
    if (next == null) {
      asm.mov(ahead, k);
      asm.shl(ahead, Integer.numberOfTrailingZeros(form.panelStep()));
      asm.add(ahead, b);
    }
    asm.shl(k, Integer.numberOfTrailingZeros(form.rowStep()));
    asm.mov(blockOfA, k);
    asm.mov(tiles, a);
    copy(allRows, rowsLeft);
    copy(sumsAt, sumsNow);
    asm.mov(outNow, c);
    copy(gridsAt, gridsNow);
  }

  /** All rows by a block of a panel. */
  private void rows() {
    Label oneTile = new Label();
    Label end = new Label();
    Label again = asm.here();
    asm.mov(k, rowsLeft);
    asm.cmp(k, AmxForm.SIDE);
    asm.jle(oneTile);
    multiply(2);
    asm.mov(k, rowsLeft);
    asm.sub(k, AmxForm.ROWS);
    asm.mov(rowsLeft, k);
    asm.jg(again);
    asm.jmp(end);
    asm.bind(oneTile);
    multiply(1);
    asm.bind(end);
  }

  /** 16 or 32 rows by a block of a panel, and what waits to c. */
  private void multiply(int high) {
    begin(high);
    asm.mov(panel, b);
    asm.mov(written, outNow);
    loadPanel();
    asm.mov(k, now);
    Label alone = new Label();
    Label end = new Label();
    asm.cmp(waiting, BESIDE);
    asm.jl(alone);
    Label both = asm.here();
    step(high);
    for (int row = 0; row < BESIDE; row++) {
      finishRow(row);
    }
    nextRows(BESIDE);
    asm.sub(k, 1);
    asm.je(end);
    asm.cmp(waiting, BESIDE);
    asm.jge(both);
    asm.bind(alone);
    step(high);
    asm.sub(k, 1);
    asm.jne(alone);
    asm.bind(end);
    finishAll();
    asm.mov(panel, sumsNow);
    for (int i = 0; i < high; i++) {
      for (int j = 0; j < 2; j++) {
        asm.tilestored(sum(i, j), TileRound.sum(i, j));
      }
    }
    letWait(high);
    advance(sumsNow, sumsStride);
    asm.sub(tiles, blockOfA);
    asm.add(tiles, bytesOfTiles);
  }

  /** The columns of both tiles side by side, from {@code panel} on. */
  private Memory sum(int i, int j) {
    return Memory.at(panel, line, 2, i * 2 * AmxForm.TILE_BYTES + j * LINE);
  }

  private void begin(int high) {
    Label more = new Label();
    Label begun = new Label();
    asm.mov(k, stepsLeft);
    asm.cmp(k, allSteps);
    asm.jne(more);
    for (int i = 0; i < high; i++) {
      for (int j = 0; j < 2; j++) {
        asm.tilezero(TileRound.sum(i, j));
      }
    }
    asm.jmp(begun);
    asm.bind(more);
    asm.mov(panel, sumsNow);
    for (int i = 0; i < high; i++) {
      for (int j = 0; j < 2; j++) {
        asm.tileloadd(TileRound.sum(i, j), sum(i, j));
      }
    }
    asm.bind(begun);
  }

  private void step(int high) {
    if (next == null) {
      round(high, askForNext());
      asm.add(ahead, form.panelStep() / PASSES);
    } else {
      Label made = new Label();
      Label end = new Label();
      asm.test(items, items);
      asm.je(made);
      round(high, makeNext());
      asm.jmp(end);
      asm.bind(made);
      round(high, List.of());
      asm.bind(end);
    }
    asm.add(tiles, form.rowStep());
    asm.add(panel, form.panelStep());
    asm.add(written, cStride);
  }

  private void round(int high, List<Runnable> others) {
    List<Runnable> beside = new ArrayList<>(others);
    for (int j = 0; j < 2; j++) {
      Memory line = Memory.at(written, j * LINE);
      beside.add(() -> asm.prefetchw(line));
    }
    TileRound.write(high, form.pairs(), this, beside);
  }

  /** Lines of the next block. */
  private List<Runnable> askForNext() {
    return IntStream.range(0, form.panelStep() / LINE / PASSES)
        .<Runnable>mapToObj(i -> () -> asm.prefetcht1(Memory.at(ahead, i * LINE)))
        .toList();
  }

  /** A share of a block of the next panel. */
  private List<Runnable> makeNext() {
    return IntStream.range(0, next.items() / STEPS_OF_BLOCK)
        .boxed()
        .flatMap(_ -> next.item().stream())
        .toList();
  }

  @Override
  public void loadRows(Tmm to, int part, int tile) {
    asm.tileloadd(to, Memory.at(tiles, line, 1, tile(part, tile)));
  }

  @Override
  public void loadColumns(Tmm to, int part, int tile) {
    asm.tileloadd(to, Memory.at(panel, line, 1, tile(part, tile)));
  }

  @Override
  public void multiply(Tmm sum, Tmm rows, Tmm columns) {
    if (form == AmxForm.INT8) {
      asm.tdpbusd(sum, rows, columns);
    } else {
      asm.tdpbf16ps(sum, rows, columns);
    }
  }

  /** Of two tiles of a part. */
  private static int tile(int part, int index) {
    return (part * 2 + index) * AmxForm.TILE_BYTES;
  }

  /** After the last block the sums of the rows that there are wait to be finished. */
  private void letWait(int high) {
    Label unfinished = new Label();
    Label whole = new Label();
    asm.mov(k, now);
    asm.cmp(k, stepsLeft);
    asm.jne(unfinished);
    asm.mov(sums, panel);
    asm.mov(out, outNow);
    if (form == AmxForm.INT8) {
      asm.mov(grids, gridsNow);
    }
    copy(biasAt, waitingBias);
    copy(scalesAt, waitingScales);
    asm.mov(waiting, high * AmxForm.SIDE);
    asm.cmp(waiting, rowsLeft);
    asm.jle(whole);
    asm.mov(waiting, rowsLeft);
    asm.bind(whole);
    asm.mov(k, cStride);
    asm.shl(k, Integer.numberOfTrailingZeros(high * AmxForm.SIDE));
    asm.add(k, outNow);
    asm.mov(outNow, k);
    advance(gridsNow, high * AmxForm.SIDE * Grids.BYTES);
    asm.bind(unfinished);
  }

  /** What the columns have of the panel whose rows wait. */
  private void loadPanel() {
    asm.mov(k, waitingBias);
    for (int j = 0; j < 2; j++) {
      asm.vmovups(bias[j], Memory.at(k, j * LINE));
    }
    if (form == AmxForm.INT8) {
      asm.mov(k, waitingScales);
      for (int j = 0; j < 2; j++) {
        asm.vmovups(scales[j], Memory.at(k, j * LINE));
        asm.vmovups(columnSums[j], Memory.at(k, AmxProductKernel.PANEL_ROW + j * LINE));
      }
    }
  }

  private void finishAll() {
    Label end = new Label();
    asm.test(waiting, waiting);
    asm.je(end);
    Label row = asm.here();
    finishRow(0);
    nextRows(1);
    asm.jne(row);
    asm.bind(end);
  }

  private void nextRows(int count) {
    asm.add(sums, count * 2 * LINE);
    if (form == AmxForm.INT8) {
      asm.add(grids, count * Grids.BYTES);
    }
    asm.sub(waiting, count);
  }

  /** Writes one of the rows that wait to c. */
  private void finishRow(int row) {
    for (int j = 0; j < 2; j++) {
      Memory sum = Memory.at(sums, row * 2 * LINE + j * LINE);
      if (form == AmxForm.INT8) {
        finishIntegers(row, j, sum);
      } else if (adds) {
        asm.vmovups(numbers[j], Memory.at(out, j * LINE));
        asm.vaddps(numbers[j], numbers[j], sum);
      } else {
        asm.vaddps(numbers[j], bias[j], sum);
      }
      asm.vmovups(Memory.at(out, j * LINE), numbers[j]);
    }
    asm.add(out, cStride);
  }

  /** {@code bias + (sum - zero * sum of the column) * scale of the row * scale of the column}. */
  private void finishIntegers(int row, int j, Memory sum) {
    if (j == 0) {
      asm.vbroadcastss(scale, Memory.at(grids, row * Grids.BYTES));
      asm.vpbroadcastd(zero, Memory.at(grids, row * Grids.BYTES + Grids.ZERO));
    }
    asm.vpmulld(numbers[j], zero, columnSums[j]);
    asm.vpaddd(numbers[j], numbers[j], sum);
    asm.vcvtdq2ps(numbers[j], numbers[j]);
    asm.vmulps(numbers[j], numbers[j], scale);
    asm.vfmadd213ps(numbers[j], scales[j], bias[j]);
  }
}
