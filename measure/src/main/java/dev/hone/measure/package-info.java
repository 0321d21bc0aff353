/**
 * What a model costs and what it is worth: time, memory, operations, fidelity, tasks, the report.
 */
package dev.hone.measure;
