package dev.hone.runtime;

import java.util.OptionalInt;

/**
 * A labelled span of a text.
 *
 * <p>Offsets count {@code char}s (UTF-16), so {@code text.substring(start, end)} is the span.
 * Transformers counts code points: the two differ after the first character outside the BMP.
 *
 * @param label the label as the model names it for single tokens, {@code B-PER}; else its kind,
 *     {@code PER}
 * @param word the span as the tokenizer spells it, lower case where it knows no other
 * @param index place of a single token in what the model read; empty for grouped tokens
 */
public record Entity(
    String label, float score, String word, int start, int end, OptionalInt index) {}
