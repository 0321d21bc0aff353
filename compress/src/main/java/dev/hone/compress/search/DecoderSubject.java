package dev.hone.compress.search;

import dev.hone.measure.Speed;
import dev.hone.measure.Workload;
import dev.hone.measure.language.DecoderSpeed;
import dev.hone.measure.language.LanguageModel;
import dev.hone.model.Transformer;
import dev.hone.model.folder.Model;
import dev.hone.runtime.ActivationType;
import dev.hone.runtime.Engine;
import dev.hone.runtime.cache.PagedCache;
import dev.hone.tensor.KeyValueType;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.nio.file.Path;
import java.util.List;

/**
 * A decoder, asked and timed as {@code hone generate} runs it: activations are rounded to 8 bits
 * where weights are quantized.
 */
public final class DecoderSubject implements Subject<DecoderSubject> {
  private static final ActivationType ACTIVATIONS = ActivationType.INT8;

  private final LanguageModel language;
  private final KernelTier tier;
  private final ComputePool pool;
  private final PagedCache cache;
  private final boolean original;

  private DecoderSubject(
      LanguageModel language, KernelTier tier, ComputePool pool, boolean original) {
    this.language = language;
    this.tier = tier;
    this.pool = pool;
    this.cache = new PagedCache(language.engine().model(), KeyValueType.F32, Long.MAX_VALUE);
    this.original = original;
  }

  /**
   * Loads the original.
   *
   * @param source its folder or file
   */
  public static DecoderSubject load(Path source, KernelTier tier, int threads) {
    var pool = new ComputePool(threads);
    try {
      LanguageModel language = LanguageModel.load(source, tier, ACTIVATIONS, pool);
      return new DecoderSubject(language, tier, pool, true);
    } catch (RuntimeException | Error e) {
      pool.close();
      throw e;
    }
  }

  LanguageModel language() {
    return language;
  }

  @Override
  public Model model() {
    return language.model();
  }

  @Override
  public Engine engine() {
    return language.engine();
  }

  @Override
  public KernelTier tier() {
    return tier;
  }

  @Override
  public int threads() {
    return pool.threads();
  }

  @Override
  public DecoderSubject with(Transformer other) {
    return new DecoderSubject(language.with(other), tier, pool, false);
  }

  @Override
  public DecoderSubject load(Path made) {
    LanguageModel candidate = LanguageModel.load(made, tier, ACTIVATIONS, pool);
    return new DecoderSubject(candidate, tier, pool, false);
  }

  @Override
  public Workload.OfTokens workload() {
    return Workload.OfTokens.of(engine().model().embeddings().maxTokens());
  }

  @Override
  public Speed.Work work() {
    return DecoderSpeed.work(engine(), cache, workload());
  }

  @Override
  public List<String> notes() {
    return List.of();
  }

  @Override
  public void close() {
    cache.close();
    language.close();
    if (original) {
      pool.close();
    }
  }
}
