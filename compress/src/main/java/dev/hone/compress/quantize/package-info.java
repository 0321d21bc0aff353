/** Passes that store weights in fewer bits. */
package dev.hone.compress.quantize;
