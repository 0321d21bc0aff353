package dev.hone.measure;

/** A figure measured on a sample of texts, with the interval in which 95 % of resamples put it. */
public record Estimate(double value, double low, double high) {}
