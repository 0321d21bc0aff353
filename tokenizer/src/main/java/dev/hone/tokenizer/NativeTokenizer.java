package dev.hone.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;

/**
 * One tokenizer of the native library, and everything that is asked of it.
 *
 * <p>The library is called below DJL's {@code HuggingFaceTokenizer}, which would pad and truncate,
 * and looks up a cloud's metadata over the network when it starts. A panic in the library ends the
 * JVM: {@link TokenizerJson} keeps out what would make it panic.
 */
final class NativeTokenizer implements AutoCloseable {

  private static final String FLAVOR = "RUST_FLAVOR";

  private final TokenizersLibrary library = load();
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final String source;
  private long handle;

  /**
   * @param json a whole {@code tokenizer.json}, checked, without padding or truncation
   * @param source the file, for errors
   */
  NativeTokenizer(String json, String source) {
    this.source = source;
    try {
      handle = library.createTokenizerFromString(json);
    } catch (RuntimeException e) {
      throw new TokenizerException(
          "Tokenizer refused by the tokenizers library: file=" + source + ": " + e.getMessage(), e);
    }
  }

  /** What the native library returns for a text or a pair of texts ({@code second} may be null). */
  Raw encode(String first, String second) {
    return locked(
        tokenizer -> {
          long encoding;
          try {
            encoding =
                second == null
                    ? library.encode(tokenizer, first, true)
                    : library.encodeDual(tokenizer, first, second, true);
          } catch (RuntimeException e) {
            throw new TokenizerException(
                "Text cannot be encoded: tokenizer=" + source + ": " + e.getMessage(), e);
          }
          try {
            return new Raw(
                library.getTokenIds(encoding),
                library.getTypeIds(encoding),
                library.getSequenceIds(encoding),
                library.getWordIds(encoding),
                library.getSpecialTokenMask(encoding),
                library.getTokenCharSpans(encoding));
          } finally {
            library.deleteEncoding(encoding);
          }
        });
  }

  /** The ids of a text without what the template adds. */
  long[] encodeAlone(String text) {
    return locked(
        tokenizer -> {
          long encoding;
          try {
            encoding = library.encode(tokenizer, text, false);
          } catch (RuntimeException e) {
            throw new TokenizerException(
                "Text cannot be encoded: tokenizer=" + source + ": " + e.getMessage(), e);
          }
          try {
            return library.getTokenIds(encoding);
          } finally {
            library.deleteEncoding(encoding);
          }
        });
  }

  String decode(long[] ids, boolean skipSpecialTokens) {
    return locked(tokenizer -> library.decode(tokenizer, ids, skipSpecialTokens));
  }

  @Override
  public void close() {
    Lock writing = lock.writeLock();
    writing.lock();
    try {
      if (handle != 0) {
        library.deleteTokenizer(handle);
        handle = 0;
      }
    } finally {
      writing.unlock();
    }
  }

  private <T> T locked(LongFunction<T> call) {
    Lock reading = lock.readLock();
    reading.lock();
    try {
      if (handle == 0) {
        throw new IllegalStateException("The tokenizer is closed: " + source);
      }
      return call.apply(handle);
    } finally {
      reading.unlock();
    }
  }

  /** Loads the library that lies in the jar; without the flavor DJL might download one for CUDA. */
  private static synchronized TokenizersLibrary load() {
    boolean unset = System.getenv(FLAVOR) == null && System.getProperty(FLAVOR) == null;
    if (unset) {
      System.setProperty(FLAVOR, "cpu");
    }
    try {
      LibUtils.checkStatus();
      return TokenizersLibrary.LIB;
    } catch (EngineException | LinkageError e) {
      throw new TokenizerException(
          "The native tokenizers library cannot be loaded: os="
              + System.getProperty("os.name")
              + ", arch="
              + System.getProperty("os.arch")
              + ": "
              + e,
          e);
    } finally {
      if (unset) {
        System.clearProperty(FLAVOR);
      }
    }
  }

  /** Arrays of the native library: [token] in each. Spans count code points, null for none. */
  record Raw(
      long[] ids,
      long[] typeIds,
      long[] sequences,
      long[] words,
      long[] special,
      CharSpan[] spans) {}
}
