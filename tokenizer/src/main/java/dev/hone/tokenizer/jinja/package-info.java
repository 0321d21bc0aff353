/**
 * The part of the Jinja template language that chat templates are written in, as Jinja 2 and Python
 * mean it: https://jinja.palletsprojects.com/templates, with transformers' additions. Values are
 * Java's {@code String}, {@code Long}, {@code Double}, {@code Boolean}, {@code List}, {@code Map}
 * and {@code null} for None; no template gets at any other object, nor at a class.
 */
package dev.hone.tokenizer.jinja;
