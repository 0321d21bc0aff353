package dev.hone.runtime;

/** Two texts that a model reads together, such as a query and a passage. */
public record TextPair(String first, String second) {}
