/** Weight matrices cut into panels, in their own precision: what the fast tiers multiply with. */
package dev.hone.tensor.kernel.panels;
