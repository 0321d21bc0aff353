/** The interface that every tier of kernels implements; a tier is a package. */
package dev.hone.tensor.kernel;
