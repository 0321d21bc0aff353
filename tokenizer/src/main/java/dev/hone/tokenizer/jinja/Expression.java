package dev.hone.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What has a value. */
sealed interface Expression {
  record Literal(Object value) implements Expression {}

  record Name(String name) implements Expression {}

  /** {@code of.name}. */
  record Attribute(Expression of, String name, int line) implements Expression {}

  /** {@code of[index]}. */
  record Item(Expression of, Expression index, int line) implements Expression {}

  /** {@code of[from:to:step]}. */
  record Slice(
      Expression of,
      Optional<Expression> from,
      Optional<Expression> to,
      Optional<Expression> step,
      int line)
      implements Expression {}

  record Call(Expression callee, Arguments arguments, int line) implements Expression {}

  /** {@code of | name(arguments)}. */
  record Filter(Expression of, String name, Arguments arguments, int line) implements Expression {}

  /** {@code of is name(arguments)}. */
  record Test(Expression of, String name, Arguments arguments, int line) implements Expression {}

  /** {@code -}, {@code +} or {@code not}. */
  record Unary(String operator, Expression of, int line) implements Expression {}

  /** Arithmetic, and {@code ~}. */
  record Binary(String operator, Expression left, Expression right, int line)
      implements Expression {}

  /** {@code and} or {@code or}: one of the two values. */
  record Logic(boolean and, Expression left, Expression right) implements Expression {}

  /** {@code first < a <= b in c}. */
  record Comparison(Expression first, List<Step> steps, int line) implements Expression {}

  /** An operator and what stands behind it. */
  record Step(String operator, Expression right) {}

  record Conditional(Expression condition, Expression yes, Optional<Expression> no)
      implements Expression {}

  record ListOf(List<Expression> items) implements Expression {}

  record TupleOf(List<Expression> items) implements Expression {}

  record DictOf(List<Map.Entry<Expression, Expression>> entries) implements Expression {}

  /** What stands in the brackets of a call. */
  record Arguments(List<Expression> positional, Map<String, Expression> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());
  }
}
