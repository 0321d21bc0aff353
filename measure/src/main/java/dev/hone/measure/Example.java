package dev.hone.measure;

/**
 * One question of a task.
 *
 * @param place file and line, for errors
 * @param pair the second text; null where the task has one
 * @param expected the score or the label, as the file spells it
 */
public record Example(String place, String text, String pair, String expected) {}
