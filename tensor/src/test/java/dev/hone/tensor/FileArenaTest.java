package dev.hone.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileArenaTest {
  @TempDir private Path folder;

  @Test
  void piecesAreZeroAlignedAndApartInAFileThatNobodySees() throws IOException {
    MemorySegment kept;
    try (var arena = new FileArena(folder.resolve("room"))) {
      List<MemorySegment> pieces = new ArrayList<>();
      for (long bytes : new long[] {1, 100, 33 << 20, 7, 31 << 20, 1 << 20, 3}) {
        MemorySegment piece = arena.allocate(bytes, Tensor.ALIGNMENT);
        assertThat(piece.isMapped()).isTrue();
        assertThat(piece.byteSize()).isEqualTo(bytes);
        assertThat(piece.address() % Tensor.ALIGNMENT).isZero();
        assertThat(piece.get(ValueLayout.JAVA_BYTE, 0)).isZero();
        assertThat(piece.get(ValueLayout.JAVA_BYTE, bytes - 1)).isZero();
        piece.fill((byte) (pieces.size() + 1));
        pieces.add(piece);
      }
      for (int i = 0; i < pieces.size(); i++) {
        MemorySegment piece = pieces.get(i);
        assertThat(piece.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) (i + 1));
        assertThat(piece.get(ValueLayout.JAVA_BYTE, piece.byteSize() - 1))
            .isEqualTo((byte) (i + 1));
      }
      assertThat(folder).isEmptyDirectory();
      kept = pieces.getFirst();
    }
    assertThatThrownBy(() -> kept.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }
}
