/** Runs models: the fast interpreter, and the encoder as a user calls it. */
package dev.hone.runtime;
