/** Where a model's name is found, and the cache on disk that it is fetched into. */
package dev.hone.hub;
