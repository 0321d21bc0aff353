/** Takes weights away: single ones become zero, whole heads and neurons are gone. */
package dev.hone.compress.prune;
