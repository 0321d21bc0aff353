/** How well a decoder foretells a text, and how near another one stays to it. */
package dev.hone.measure.language;
