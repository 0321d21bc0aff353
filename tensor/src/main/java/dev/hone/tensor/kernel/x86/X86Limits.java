package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.LimitLoops;
import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import dev.hone.tensor.kernel.x86.IntegerProductKernel.Form;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Tmm;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** The loops in machine code; bytes are multiplied by VPDPBUSD where there is one. */
public final class X86Limits implements LimitLoops {
  /** Independent sums: two units that take up to five steps for one are kept busy. */
  private static final int CHAINS = 12;

  /** Bytes of a step of the reading loop. */
  private static final int STEP = 256;

  /** How far ahead memory is asked for, in bytes. */
  private static final int PREFETCH = 2048;

  /** Tiles that are added to, so that none waits for itself; the last two are multiplied. */
  private static final int SUMS = 6;

  private static final Tmm[] TILES =
      IntStream.range(0, SUMS + 2).mapToObj(Tmm::new).toArray(Tmm[]::new);

  /** Numbers of 16 bits in a place of 32. */
  private static final int PAIR = 2;

  /** Numbers of 8 bits in a place of 32. */
  private static final int BYTES = 4;

  /** Of a tile, which has as many columns of 32 bits. */
  private static final int TILE_ROWS = 16;

  private static final int TILE_ROW_BYTES = 64;

  private final Width width;
  private final Map<Peak, MemorySegment> loops = new EnumMap<>(Peak.class);
  private final MemorySegment read;

  /** Of tiles: each as large as it can be. Manual, volume 2, LDTILECFG. */
  private final MemorySegment configuration = Arena.global().allocate(64, 64);

  /**
   * @throws IllegalStateException where the assembled tier cannot run
   */
  public X86Limits() {
    X86Code.Attempt attempt = X86Code.here();
    if (attempt.code() == null) {
      throw new IllegalStateException("no assembled kernels: " + attempt.reason());
    }
    X86Code code = attempt.code();
    width = code.width();
    loops.put(Peak.F32, CodeMemory.install(multiplyAdd(width)));
    if (code.hasPairs()) {
      loops.put(Peak.BF16, CodeMemory.install(pairDot()));
    }
    loops.put(Peak.INT8, CodeMemory.install(integerDot(width, code.integerProduct().form())));
    for (Peak peak : Peak.values()) {
      if (peak.tiles() && code.has(feature(peak))) {
        loops.put(peak, CodeMemory.install(tiles(peak)));
      }
    }
    read = CodeMemory.install(read(width));
    configuration.set(ValueLayout.JAVA_BYTE, 0, (byte) 1); // the palette
    for (int tile = 0; tile < TILES.length; tile++) {
      configuration.set(ValueLayout.JAVA_SHORT, 16 + 2L * tile, (short) TILE_ROW_BYTES);
      configuration.set(ValueLayout.JAVA_BYTE, 48L + tile, (byte) TILE_ROWS);
    }
  }

  @Override
  public Set<Peak> peaks() {
    return Collections.unmodifiableSet(loops.keySet());
  }

  @Override
  public long operations(Peak peak, int rounds) {
    MemorySegment loop = loops.get(peak);
    if (loop == null) {
      throw new IllegalArgumentException("this processor has no " + peak.label());
    }
    call(loop, configuration, rounds);
    long multiplications =
        switch (peak) {
          case F32 -> (long) CHAINS * width.floats();
          case BF16 -> (long) CHAINS * width.floats() * PAIR;
          case INT8 -> (long) CHAINS * width.floats() * BYTES;
          case BF16_TILES -> (long) SUMS * TILE_ROWS * TILE_ROWS * TILE_ROW_BYTES / 2;
          case INT8_TILES -> (long) SUMS * TILE_ROWS * TILE_ROWS * TILE_ROW_BYTES;
        };
    return 2 * multiplications * rounds;
  }

  private static Feature feature(Peak tiles) {
    return tiles == Peak.BF16_TILES ? Feature.AMX_BF16 : Feature.AMX_INT8;
  }

  @Override
  public long read(MemorySegment segment) {
    long steps = segment.byteSize() / STEP;
    if (steps > 0) {
      Segments.require(segment, steps, STEP, STEP);
      call(read, segment, steps);
    }
    return steps * STEP;
  }

  private static void call(MemorySegment code, MemorySegment segment, long count) {
    CodeMemory.call(code, address(segment), count);
  }

  static Assembly multiplyAdd(Width width) {
    return loop(width, (asm, sum, factor, _) -> asm.vfmadd231ps(sum, factor, factor))
        .finish("limit-multiply-add-" + width.floats());
  }

  static Assembly pairDot() {
    return loop(Width.ZMM, (asm, sum, factor, _) -> asm.vdpbf16ps(sum, factor, factor))
        .finish("limit-pair-dot");
  }

  /**
   * Without VNNI by three instructions: words of two products, places of two words, sums. Words
   * multiplied at once, as VPMADDWD does, would be as many a multiplication and more additions.
   */
  static Assembly integerDot(Width width, Form form) {
    String name = form == Form.BYTES ? "limit-integer-dot-vnni-" : "limit-integer-dot-";
    return loop(
            width,
            (asm, sum, factor, product) -> {
              switch (form) {
                case BYTES -> asm.vpdpbusd(sum, factor, factor);
                case WORDS -> {
                  asm.vpmaddubsw(product, factor, factor);
                  asm.vpmaddwd(product, product, factor);
                  asm.vpaddd(sum, sum, product);
                }
              }
            })
        .finish(name + width.floats());
  }

  private interface Step {
    void write(Assembler asm, Vec sum, Vec factor, Vec product);
  }

  /** Steps on independent sums, again and again. */
  private static Assembler loop(Width width, Step step) {
    Assembler asm = new Assembler();
    Registers registers = new Registers(width);
    registers.argument("unused");
    Gpr rounds = registers.argument("rounds");
    Vec[] sums = registers.vecs("sum", CHAINS);
    Vec factor = registers.vec("factor");
    Vec product = registers.vec("product");
    asm.enter(registers);
    asm.vxorps(factor, factor, factor);
    for (Vec sum : sums) {
      asm.vxorps(sum, sum, sum);
    }
    Label loop = asm.here();
    for (Vec sum : sums) {
      step.write(asm, sum, factor, product);
    }
    asm.sub(rounds, 1);
    asm.jne(loop);
    asm.leave(registers);
    return asm;
  }

  static Assembly tiles(Peak peak) {
    Assembler asm = new Assembler();
    Registers registers = new Registers(Width.ZMM);
    Gpr configuration = registers.argument("configuration");
    Gpr rounds = registers.argument("rounds");
    asm.enter(registers);
    asm.ldtilecfg(Memory.at(configuration, 0));
    for (Tmm tile : TILES) {
      asm.tilezero(tile);
    }
    Label loop = asm.here();
    for (int i = 0; i < SUMS; i++) {
      if (peak == Peak.BF16_TILES) {
        asm.tdpbf16ps(TILES[i], TILES[SUMS], TILES[SUMS + 1]);
      } else {
        asm.tdpbusd(TILES[i], TILES[SUMS], TILES[SUMS + 1]);
      }
    }
    asm.sub(rounds, 1);
    asm.jne(loop);
    asm.tilerelease();
    asm.leave(registers);
    return asm.finish("limit-" + peak.label().replace(' ', '-'));
  }

  static Assembly read(Width width) {
    Assembler asm = new Assembler();
    Registers registers = new Registers(width);
    Gpr at = registers.argument("at");
    Gpr steps = registers.argument("steps");
    Vec[] sums = registers.vecs("sum", 4);
    asm.enter(registers);
    for (Vec sum : sums) {
      asm.vxorps(sum, sum, sum);
    }
    Label loop = asm.here();
    for (int i = 0; i < STEP; i += width.bytes()) {
      Vec sum = sums[i / width.bytes() % sums.length];
      asm.vxorps(sum, sum, Memory.at(at, i));
      if (i % Width.ZMM.bytes() == 0) { // a line of the cache
        asm.prefetcht0(Memory.at(at, PREFETCH + i));
      }
    }
    asm.add(at, STEP);
    asm.sub(steps, 1);
    asm.jne(loop);
    asm.leave(registers);
    return asm.finish("limit-read-" + width.floats());
  }
}
