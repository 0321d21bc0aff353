/** What was measured of a model and its candidates, as a page, as JSON and as a table. */
package dev.hone.measure.report;
