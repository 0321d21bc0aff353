package dev.hone.bench;

import java.util.Arrays;

/** Starts one of the comparisons by its name. */
final class Compare {
  private Compare() {}

  public static void main(String[] args) throws Exception {
    String name = args.length == 0 ? "" : args[0];
    String[] rest = args.length == 0 ? args : Arrays.copyOfRange(args, 1, args.length);
    switch (name) {
      case "decoder" -> CompareDecoder.main(rest);
      case "encoder" -> CompareEncoder.main(rest);
      case "kernels" -> CompareKernels.main(rest);
      case "memory" -> MemoryRun.main(rest);
      case "sparse" -> CompareSparse.main(rest);
      case "start" -> CompareStart.main(rest);
      default -> {
        System.err.println(
            "usage: bench/compare decoder|encoder|kernels|memory|sparse|start [--OPTION X...]");
        System.exit(2);
      }
    }
  }
}
