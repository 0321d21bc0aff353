/** Model folders as they are published: read whole, and written whole. */
package dev.hone.model.folder;
