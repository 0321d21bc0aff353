/** Makes models smaller: passes over the record tree, and recipes of them. */
package dev.hone.compress;
