package dev.hone.tokenizer.jinja;

/** A function, a method of a value, a macro. */
@FunctionalInterface
interface Callable {
  Object call(CallArguments arguments);
}
