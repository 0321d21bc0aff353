package dev.hone.tensor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * An arena, for any thread, whose pieces lie in a file: what a model is made into needs no memory
 * that the system could not have back. The file has no name, so that a process that is killed
 * leaves nothing of it.
 */
public final class FileArena implements Arena {
  /** What the file grows by; what is never touched takes no room on disk. */
  private static final long CHUNK = 32L << 20;

  private final Arena owner = Arena.ofShared();
  private final FileChannel file;
  private MemorySegment chunk = MemorySegment.NULL;
  private long used;
  private long length;

  /**
   * An empty arena.
   *
   * @param file where nothing stands, in the file system that has the room
   */
  public FileArena(Path file) throws IOException {
    this.file =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.DELETE_ON_CLOSE);
  }

  @Override
  public synchronized MemorySegment allocate(long bytes, long alignment) {
    long from = (used + alignment - 1) / alignment * alignment; // a chunk begins at a page
    if (from + bytes > chunk.byteSize()) {
      chunk = mapped(Math.max(bytes, CHUNK));
      from = 0;
    }
    used = from + bytes;
    return chunk.asSlice(from, bytes);
  }

  private MemorySegment mapped(long bytes) {
    try {
      MemorySegment mapped = file.map(MapMode.READ_WRITE, length, bytes, owner);
      length += (bytes + CHUNK - 1) / CHUNK * CHUNK;
      return mapped;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public MemorySegment.Scope scope() {
    return owner.scope();
  }

  @Override
  public void close() {
    owner.close();
    try {
      file.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
