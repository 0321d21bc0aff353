/** Checkpoints in the layouts of GPTQ and AWQ, read as they are published. */
package dev.hone.model.format.gptq;
