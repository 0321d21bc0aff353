package dev.hone.model;

/**
 * The tokens that go to one expert.
 *
 * @param tokens indices, rising; none twice
 * @param weights [token, 1]: factor on what the expert makes of each
 */
public record Route<T>(int expert, int[] tokens, T weights) {}
