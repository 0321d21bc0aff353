/** What a model costs and what it is worth: time, memory, operations, fidelity, tasks. */
package dev.hone.measure;
