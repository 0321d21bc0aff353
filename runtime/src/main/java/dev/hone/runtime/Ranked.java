package dev.hone.runtime;

/**
 * A document's place in a ranking.
 *
 * @param index the document's index in the list that was given
 * @param score how well it answers the query; comparable within one ranking
 */
public record Ranked(int index, float score) {}
