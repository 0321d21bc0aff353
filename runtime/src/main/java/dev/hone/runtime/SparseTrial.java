package dev.hone.runtime;

import dev.hone.tensor.Activation;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.LargePages;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/**
 * Matrices of which many numbers are zero, packed with their zeros and without, until it is
 * measured which products are faster. All of them are gone through in the model's order, so that
 * each comes from where it will come from when the model runs; those of one shape and as many zeros
 * are decided on together.
 */
final class SparseTrial implements AutoCloseable {
  /** Fewer zeros are not worth a trial. */
  private static final double LEAST_ZEROS = 0.25;

  /** Rows of a matrix that are looked at for zeros. */
  private static final int LOOKED_AT = 64;

  private static final double STEPS = 20;

  /** Rounds in which nothing got faster: code is compiled then. */
  private static final int SETTLED = 5;

  /** A round that takes so much of the time before is no faster. */
  private static final double SETTLED_WITHIN = 0.97;

  /** After which no further round is begun. */
  private static final long NANOS = 2_000_000_000;

  private final Kernels kernels;
  private final int rows;
  private final Map<Key, Group> groups = new LinkedHashMap<>();
  private final List<Member> members = new ArrayList<>();

  /** What is decided on together. */
  private record Key(Plain type, long out, long in, double zeros) {}

  private record Member(Tensor matrix, Group group, PackedMatrix dense, PackedMatrix sparse) {
    PackedMatrix chosen() {
      return group.chosen() == group.sparse ? sparse : dense;
    }
  }

  /** One way of packing a group's matrices. */
  private static final class Side {
    private final Arena arena = LargePages.arena();
    private long fastest = Long.MAX_VALUE;
    private long round;
    private boolean closed;

    /** Whether it was faster than those before. */
    boolean endRound() {
      boolean faster = round < SETTLED_WITHIN * fastest;
      fastest = Math.min(fastest, round);
      round = 0;
      return faster;
    }

    void close() {
      if (!closed) {
        closed = true;
        arena.close();
      }
    }
  }

  private static final class Group {
    private final Key key;
    private final Side dense = new Side();
    private final Side sparse = new Side();

    Group(Key key) {
      this.key = key;
    }

    /** Dense where nothing was measured. */
    Side chosen() {
      return dense.fastest >= SparseProducts.LEAST_GAIN * sparse.fastest ? sparse : dense;
    }
  }

  /**
   * @param rows that products will mostly have
   */
  SparseTrial(Kernels kernels, int rows) {
    this.kernels = kernels;
    this.rows = rows;
  }

  /** Takes a matrix in, if it has enough zeros. */
  boolean take(Tensor matrix, Input input) {
    if (members.stream().anyMatch(member -> member.matrix == matrix)) {
      return true;
    }
    if (!(matrix.dtype() instanceof Plain type) || !input.equals(Input.FLOAT)) {
      return false;
    }
    double zeros = Layouts.zeroShare(matrix, LOOKED_AT);
    if (zeros < LEAST_ZEROS) {
      return false;
    }
    Key key = new Key(type, matrix.rows(), matrix.cols(), Math.rint(zeros * STEPS) / STEPS);
    Group group = groups.computeIfAbsent(key, Group::new);
    members.add(
        new Member(
            matrix,
            group,
            kernels.pack(matrix, input, group.dense.arena),
            kernels.multipliesSparse(matrix)
                ? kernels.packSparse(matrix, group.sparse.arena)
                : null));
    return true;
  }

  /**
   * Measures, and gives back the memory of what is slower.
   *
   * @param chosen told of every matrix
   */
  List<SparseProducts> decide(BiConsumer<Tensor, PackedMatrix> chosen) {
    measure(members.stream().filter(member -> member.sparse != null).toList());
    List<SparseProducts> products = groups.values().stream().map(this::products).toList();
    members.forEach(member -> chosen.accept(member.matrix, member.chosen()));
    groups
        .values()
        .forEach(group -> (group.chosen() == group.dense ? group.sparse : group.dense).close());
    members.clear();
    return products;
  }

  private void measure(List<Member> measured) {
    long end = System.nanoTime() + NANOS;
    Set<Group> groups = measured.stream().map(Member::group).collect(Collectors.toSet());
    try (Arena arena = Arena.ofShared()) {
      Tensor x = room(arena, measured, key -> key.in);
      Tensor y = room(arena, measured, key -> key.out);
      for (int settled = 0; settled < SETTLED; settled++) {
        measured.forEach(m -> m.group.dense.round += nanos(x, m.dense, y));
        measured.forEach(m -> m.group.sparse.round += nanos(x, m.sparse, y));
        boolean faster = false;
        for (Group group : groups) {
          faster |= group.dense.endRound();
          faster |= group.sparse.endRound();
        }
        settled = faster ? -1 : settled;
        if (System.nanoTime() > end) {
          return;
        }
      }
    }
  }

  /** Rows as long as the longest of all. */
  private Tensor room(Arena arena, List<Member> measured, ToLongFunction<Key> length) {
    long longest =
        measured.stream().mapToLong(m -> length.applyAsLong(m.group.key)).max().orElse(0);
    return Tensor.allocate(arena, Plain.F32, 1, rows * longest);
  }

  private long nanos(Tensor x, PackedMatrix packed, Tensor y) {
    Tensor in = matrix(x, packed.cols());
    Tensor out = matrix(y, packed.rows());
    long start = System.nanoTime();
    kernels.linear(in, packed, null, Activation.NONE, out);
    return System.nanoTime() - start;
  }

  private Tensor matrix(Tensor room, long cols) {
    return Tensor.of(Plain.F32, room.data().asSlice(0, rows * cols * Float.BYTES), rows, cols);
  }

  private SparseProducts products(Group group) {
    List<Member> own = members.stream().filter(member -> member.group == group).toList();
    boolean measured = own.getFirst().sparse != null;
    return new SparseProducts(
        group.key.type.label(),
        group.key.out,
        group.key.in,
        group.key.zeros,
        own.size(),
        rows,
        measured ? group.dense.fastest / 1e6 : null,
        measured ? group.sparse.fastest / 1e6 : null,
        own.stream().mapToLong(m -> m.dense.packedBytes()).sum(),
        own.stream().mapToLong(m -> measured ? m.sparse.packedBytes() : 0).sum());
  }

  @Override
  public void close() {
    for (Group group : groups.values()) {
      group.dense.close();
      group.sparse.close();
    }
  }
}
