package dev.hone.measure.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.hone.measure.Estimate;
import dev.hone.measure.Fidelity;
import java.util.Map;

/**
 * A model and everything that was measured of it.
 *
 * @param bytes on disk
 * @param loss on the texts that the report is by: {@code reportLoss} without its interval
 * @param bytesInMemory of weights and activations while it runs
 * @param chooseLoss on the texts that candidates were chosen by
 * @param reportLoss on texts that had no part in the choice
 * @param minCosine the worst of the report's texts; null where a task gives the loss
 * @param neighbourAgreement {@link Fidelity#neighbourAgreement}; null where a task gives the loss
 * @param metrics of the task by label; empty without a task
 * @param predicted how many times as long as the original it was foretold to take, from what its
 *     layers take; null where nothing was
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Measured(
    String name,
    long bytes,
    double loss,
    long bytesInMemory,
    @JsonUnwrapped Speeds speeds,
    Estimate chooseLoss,
    Estimate reportLoss,
    Double minCosine,
    Double neighbourAgreement,
    Map<String, Estimate> metrics,
    Double predicted) {}
