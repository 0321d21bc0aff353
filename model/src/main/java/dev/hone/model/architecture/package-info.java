/**
 * One file an architecture: its config's fields, and the map from checkpoint names to the record
 * tree.
 */
package dev.hone.model.architecture;
