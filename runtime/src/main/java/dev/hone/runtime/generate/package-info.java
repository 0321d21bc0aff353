/**
 * Text that a decoder goes on with, token by token: {@link dev.hone.runtime.generate.TextGenerator}
 * as a user calls it, and below it what a scheduler of many requests is made of: {@link
 * dev.hone.runtime.generate.TokenSequence}s that {@link dev.hone.runtime.generate.PackedSteps}
 * advance together, each with an {@link dev.hone.runtime.generate.Answering} that chooses its
 * tokens.
 */
package dev.hone.runtime.generate;
