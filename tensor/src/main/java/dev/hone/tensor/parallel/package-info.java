/** The threads that compute. */
package dev.hone.tensor.parallel;
