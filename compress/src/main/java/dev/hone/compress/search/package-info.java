/** Finds the best model within a loss budget over the recipes it is given. */
package dev.hone.compress.search;
