package dev.hone.measure.report;

import com.fasterxml.jackson.annotation.JsonInclude;

/**
 * A text that a candidate answers otherwise than the original.
 *
 * @param expected the right answer; null where nobody says it
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ChangedAnswer(String text, String expected, String was, String is) {}
