/** Runs texts through a model block by block, and shows what every layer reads. */
package dev.hone.compress.calibrate;
