/** Text that a decoder goes on with, token by token. */
package dev.hone.runtime.generate;
