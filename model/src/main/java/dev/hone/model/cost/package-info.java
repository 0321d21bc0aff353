/** What a model costs, counted from its records without running it. */
package dev.hone.model.cost;
