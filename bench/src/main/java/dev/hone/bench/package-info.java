/** Comparisons with peers, each in processes of its own; never published. */
package dev.hone.bench;
