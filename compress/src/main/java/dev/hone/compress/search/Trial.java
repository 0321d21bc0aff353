package dev.hone.compress.search;

import dev.hone.measure.Speed;
import dev.hone.measure.Workload;
import dev.hone.measure.report.Measured;
import dev.hone.measure.report.Speeds;
import java.util.Map;

/**
 * A candidate, or the original, as it was measured: a line of the log.
 *
 * @param assignment the recipe of every group of layers; empty where one recipe made all of it
 * @param bytesOnDisk of the weight files
 * @param bytesInMemory mapped, packed and working memory after the measurements
 * @param choose on the texts to choose by
 * @param report on the texts to report by
 * @param beside the original's speed in the same rounds; candidates are compared by their ratio to
 *     it, since each is measured at a time of its own
 * @param layers how long each layer of it and of the original took; null for a mixture, whose time
 *     is foretold by them
 * @param predicted how many times as long as the original it was foretold to take; null where
 *     nothing was
 */
public record Trial(
    String name,
    Map<String, String> assignment,
    long bytesOnDisk,
    long bytesInMemory,
    Quality.Judgement choose,
    Quality.Judgement report,
    Speed speed,
    Speed beside,
    LayerTimes.Shares layers,
    Double predicted) {

  /**
   * With times as they would have been had the machine run the original as fast as over all trials.
   */
  Trial corrected(Speed usual) {
    return new Trial(
        name,
        assignment,
        bytesOnDisk,
        bytesInMemory,
        choose,
        report,
        speed.corrected(beside, usual),
        beside.corrected(beside, usual),
        layers,
        predicted);
  }

  /**
   * The measurements as reports have them: the loss is the one on the texts to report by.
   *
   * @param workload that speed was measured on
   */
  public Measured measured(Workload workload) {
    return new Measured(
        name,
        bytesOnDisk,
        report.loss().value(),
        bytesInMemory,
        Speeds.of(speed, workload),
        choose.loss(),
        report.loss(),
        report.minCosine(),
        report.neighbourAgreement(),
        report.metrics(),
        predicted);
  }
}
