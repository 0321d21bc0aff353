package dev.hone.compress;

/**
 * What a pass did to one layer.
 *
 * @param layer name of the weight
 * @param error root of the mean squared difference over the root of the mean square of the original
 */
public record LayerChange(
    String layer, String from, String to, long bytesBefore, long bytesAfter, double error) {}
