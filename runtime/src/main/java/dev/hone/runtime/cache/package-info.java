/** The keys and values that decoders remember of the tokens they have read. */
package dev.hone.runtime.cache;
