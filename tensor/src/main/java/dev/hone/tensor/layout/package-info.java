/** How the bytes of each weight format lie: one file a format, behind one entry. */
package dev.hone.tensor.layout;
