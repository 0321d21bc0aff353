package dev.hone.hub;

/** Told how far the fetching of a file has come. */
@FunctionalInterface
public interface Progress {

  /** Tells nobody. */
  Progress NONE = (file, bytesDone, bytesTotal) -> {};

  /**
   * Called now and then while a file is fetched, from the fetching thread.
   *
   * @param file the file's name in the model's folder
   * @param bytesDone bytes that are there, those of an earlier attempt among them
   * @param bytesTotal bytes of the whole file; -1 where the server does not say
   */
  void update(String file, long bytesDone, long bytesTotal);
}
