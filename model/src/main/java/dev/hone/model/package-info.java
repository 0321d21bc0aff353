/**
 * A model as data: the record tree, the operations it needs, and the one place its mathematics
 * stands.
 */
package dev.hone.model;
