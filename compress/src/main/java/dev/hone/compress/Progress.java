package dev.hone.compress;

import java.time.Duration;

/**
 * How far a long piece of work has come.
 *
 * @param share done, from 0 to 1
 * @param what was done last
 * @param left estimate of the time still needed
 */
public record Progress(double share, String what, Duration left) {}
