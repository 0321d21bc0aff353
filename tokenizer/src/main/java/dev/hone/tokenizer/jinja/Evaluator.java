package dev.hone.tokenizer.jinja;

import dev.hone.tokenizer.jinja.Expression.Arguments;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The values of expressions. */
final class Evaluator {
  private final Budget budget;

  Evaluator(Budget budget) {
    this.budget = budget;
  }

  Object value(Expression expression, Scope scope) {
    budget.step();
    budget.enter();
    Object value = valueInside(expression, scope);
    budget.leave();
    return value;
  }

  private Object valueInside(Expression expression, Scope scope) {
    return switch (expression) {
      case Expression.Literal literal -> literal.value();
      case Expression.Name name -> scope.get(name.name());
      case Expression.Attribute attribute ->
          Access.attribute(
              budget.read(value(attribute.of(), scope)), attribute.name(), attribute.line());
      case Expression.Item item ->
          Access.subscript(
              budget.read(value(item.of(), scope)), value(item.index(), scope), item.line());
      case Expression.Slice slice ->
          Access.slice(
              value(slice.of(), scope),
              bound(slice.from(), scope),
              bound(slice.to(), scope),
              bound(slice.step(), scope),
              budget,
              slice.line());
      case Expression.Call call ->
          call(
              value(call.callee(), scope),
              arguments(name(call.callee()), call.arguments(), scope, call.line()));
      case Expression.Filter filter ->
          Filters.apply(
              filter.name(),
              value(filter.of(), scope),
              arguments(filter.name(), filter.arguments(), scope, filter.line()));
      case Expression.Test test ->
          Tests.apply(
              test.name(),
              budget.read(value(test.of(), scope)),
              arguments(test.name(), test.arguments(), scope, test.line()));
      case Expression.Unary unary -> unary(unary, scope);
      case Expression.Binary binary ->
          Arithmetic.of(
              binary.operator(),
              value(binary.left(), scope),
              value(binary.right(), scope),
              budget,
              binary.line());
      case Expression.Logic logic -> {
        Object left = value(logic.left(), scope);
        yield Values.truth(left) == logic.and() ? value(logic.right(), scope) : left;
      }
      case Expression.Comparison comparison -> compare(comparison, scope);
      case Expression.Conditional conditional -> {
        if (Values.truth(value(conditional.condition(), scope))) {
          yield value(conditional.yes(), scope);
        }
        yield conditional.no().isPresent()
            ? value(conditional.no().get(), scope)
            : new Undefined("what stands behind no else");
      }
      case Expression.ListOf list -> values(list.items(), scope);
      case Expression.TupleOf tuple -> new Tuple(values(tuple.items(), scope));
      case Expression.DictOf dict -> {
        Map<Object, Object> map = new LinkedHashMap<>();
        dict.entries().forEach(e -> map.put(value(e.getKey(), scope), value(e.getValue(), scope)));
        yield map;
      }
    };
  }

  private List<Object> values(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>();
    expressions.forEach(expression -> values.add(value(expression, scope)));
    return values;
  }

  private Long bound(Optional<Expression> bound, Scope scope) {
    Object value = bound.isPresent() ? value(bound.get(), scope) : null;
    if (value == null || value instanceof Long) {
      return (Long) value;
    }
    throw new TemplateException("a slice wants whole numbers, not " + Values.kind(value));
  }

  private static String name(Expression callee) {
    return switch (callee) {
      case Expression.Name name -> name.name();
      case Expression.Attribute attribute -> attribute.name();
      default -> "what is called";
    };
  }

  static Object call(Object callee, CallArguments arguments) {
    if (callee instanceof Callable function) {
      return function.call(arguments);
    }
    if (callee instanceof Undefined undefined) {
      throw undefined.used(arguments.line());
    }
    throw arguments.wrong("is " + Values.kind(callee) + " and cannot be called");
  }

  CallArguments arguments(String name, Arguments arguments, Scope scope, int line) {
    Map<String, Object> named = new LinkedHashMap<>();
    arguments.named().forEach((key, expression) -> named.put(key, value(expression, scope)));
    return new CallArguments(name, values(arguments.positional(), scope), named, budget, line);
  }

  private Object unary(Expression.Unary unary, Scope scope) {
    Object value = value(unary.of(), scope);
    if (unary.operator().equals("not")) {
      return !Values.truth(value);
    }
    return unary.operator().equals("-")
        ? Arithmetic.of("-", 0L, value, budget, unary.line())
        : Arithmetic.of("+", 0L, value, budget, unary.line());
  }

  private Object compare(Expression.Comparison comparison, Scope scope) {
    Object left = value(comparison.first(), scope);
    int line = comparison.line();
    for (Expression.Step step : comparison.steps()) {
      Object right = value(step.right(), scope);
      boolean holds =
          switch (step.operator()) {
            case "==" -> Values.equal(left, right, budget);
            case "!=" -> !Values.equal(left, right, budget);
            case "in" -> Values.contains(right, left, budget, line);
            case "not in" -> !Values.contains(right, left, budget, line);
            case "<" -> Values.compare(left, right, budget, line) < 0;
            case "<=" -> Values.compare(left, right, budget, line) <= 0;
            case ">" -> Values.compare(left, right, budget, line) > 0;
            case ">=" -> Values.compare(left, right, budget, line) >= 0;
            default -> throw new IllegalStateException(step.operator());
          };
      if (!holds) {
        return false;
      }
      left = right;
    }
    return true;
  }
}
