/** GGUF files: llama.cpp's weights with everything that describes them, in one file. */
package dev.hone.model.format.gguf;
