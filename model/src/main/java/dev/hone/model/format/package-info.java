/** Files that hold models: how their bytes become named tensors, and back. */
package dev.hone.model.format;
