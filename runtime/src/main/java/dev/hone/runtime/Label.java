package dev.hone.runtime;

/**
 * One of a model's labels and how far it holds for a text.
 *
 * @param score a probability, or the number itself where the model predicts a number
 */
public record Label(String name, float score) {}
