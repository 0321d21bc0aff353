package dev.hone.tokenizer.jinja;

/** A value that is not there: it prints as nothing, and nothing else can be done with it. */
record Undefined(String what) {
  TemplateException used(int line) {
    return new TemplateException(line, what + " is undefined");
  }
}
