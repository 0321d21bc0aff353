package dev.hone.tokenizer.jinja;

import java.util.List;
import java.util.Optional;

/** What does something: it writes, sets, repeats. */
sealed interface Statement {
  record Text(String text) implements Statement {}

  record Output(Expression value) implements Statement {}

  record If(List<Branch> branches, List<Statement> otherwise) implements Statement {}

  /** {@code if} or {@code elif}. */
  record Branch(Expression condition, List<Statement> body) {}

  record For(
      List<String> targets,
      Expression items,
      Optional<Expression> condition,
      List<Statement> body,
      List<Statement> otherwise,
      int line)
      implements Statement {}

  record Break() implements Statement {}

  record Continue() implements Statement {}

  /** {@code set a, b = value}, {@code set space.a = value}. */
  record Assign(List<Target> targets, Expression value, int line) implements Statement {}

  /** A name, or an attribute of a namespace. */
  record Target(String name, Optional<String> attribute) {}

  /** {@code set a}, text, {@code endset}. */
  record Capture(Target target, List<FilterCall> filters, List<Statement> body, int line)
      implements Statement {}

  /** A filter without what it filters. */
  record FilterCall(String name, Expression.Arguments arguments) {}

  record Filtered(List<FilterCall> filters, List<Statement> body, int line) implements Statement {}

  record Macro(String name, List<Parameter> parameters, List<Statement> body)
      implements Statement {}

  record Parameter(String name, Optional<Expression> otherwise) {}

  /** {@code call(parameters) macro(...)}, text, {@code endcall}. */
  record CallBlock(List<Parameter> parameters, Expression.Call call, List<Statement> body)
      implements Statement {}

  /** {@code with a = 1}, and {@code generation}: a scope of its own. */
  record Scoped(List<Assign> assigns, List<Statement> body) implements Statement {}
}
