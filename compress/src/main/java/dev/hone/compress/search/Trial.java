package dev.hone.compress.search;

import dev.hone.compress.LayerChange;
import dev.hone.compress.Recipe;
import dev.hone.measure.Speed;
import dev.hone.measure.report.Measured;
import java.nio.file.Path;
import java.util.List;

/**
 * A candidate, or the original, as it was measured.
 *
 * @param folder where it is saved while the search runs
 * @param recipe that made it; null for the original
 * @param bytesOnDisk of the weight files
 * @param bytesInMemory mapped, packed and working memory after the measurements
 * @param choose on the texts to choose by
 * @param report on the texts to report by
 * @param beside the original's speed in the same rounds; candidates are compared by their ratio to
 *     it, since each is measured at a time of its own
 */
public record Trial(
    String name,
    Path folder,
    Recipe recipe,
    List<LayerChange> changes,
    long bytesOnDisk,
    long bytesInMemory,
    Quality.Judgement choose,
    Quality.Judgement report,
    Speed speed,
    Speed beside) {

  /**
   * With times as they would have been had the machine run the original as fast as over all trials.
   */
  Trial corrected(Speed usual) {
    return new Trial(
        name,
        folder,
        recipe,
        changes,
        bytesOnDisk,
        bytesInMemory,
        choose,
        report,
        speed.corrected(beside, usual),
        beside.corrected(beside, usual));
  }

  /** The measurements as reports have them: the loss is the one on the texts to report by. */
  public Measured measured() {
    return new Measured(
        name,
        bytesOnDisk,
        report.loss().value(),
        bytesInMemory,
        Measured.Latency.of(speed.shortText()),
        Measured.Latency.of(speed.longText()),
        Measured.Throughput.of(speed),
        choose.loss(),
        report.loss(),
        report.minCosine(),
        report.neighbourAgreement(),
        report.metrics());
  }
}
