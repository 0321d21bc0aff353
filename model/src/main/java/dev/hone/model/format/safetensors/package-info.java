/** The safetensors format: one file, or shards with an index. */
package dev.hone.model.format.safetensors;
