/**
 * Text to token ids and back, on the reference tokenizers of the field ({@code tokenizer.json}, or
 * a BERT {@code vocab.txt}).
 */
package dev.hone.tokenizer;
