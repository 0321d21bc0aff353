package dev.hone.compress.search;

import dev.hone.compress.LayerChange;
import dev.hone.measure.Speed;
import java.nio.file.Path;
import java.util.List;

/**
 * A candidate, or the original, as it was measured.
 *
 * @param folder where it is saved while the search runs
 * @param bytesOnDisk of the weight files
 * @param bytesInMemory mapped, packed and working memory after the measurements
 * @param choose on the texts to choose by
 * @param report on the texts to report by
 */
public record Trial(
    String name,
    Path folder,
    List<LayerChange> changes,
    long bytesOnDisk,
    long bytesInMemory,
    Quality.Judgement choose,
    Quality.Judgement report,
    Speed speed) {}
