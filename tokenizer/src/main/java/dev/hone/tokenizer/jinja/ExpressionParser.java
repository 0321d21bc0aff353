package dev.hone.tokenizer.jinja;

import dev.hone.tokenizer.jinja.Expression.Arguments;
import dev.hone.tokenizer.jinja.Expression.Step;
import dev.hone.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Reads expressions; what binds weaker stands first. */
final class ExpressionParser {
  private static final int MAX_DEPTH = 200;

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  /** Words that are no argument of a test. */
  private static final Set<String> AFTER_TEST = Set.of("else", "or", "and", "if", "in", "not");

  private static final Set<Kind> ARGUMENTS =
      Set.of(Kind.NAME, Kind.STRING, Kind.INTEGER, Kind.FLOAT);

  private final TokenReader in;
  private int depth;

  ExpressionParser(TokenReader in) {
    this.in = in;
  }

  /** One expression, or several between commas, which are a tuple. */
  Expression tuple() {
    return tuple(this::expression);
  }

  /** The same, where an {@code if} behind it is no part of it. */
  Expression tupleWithoutCondition() {
    return tuple(this::or);
  }

  private Expression tuple(Supplier<Expression> item) {
    Expression first = item.get();
    if (!in.peek().is(Kind.OPERATOR, ",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (in.take(",") && !ends()) {
      items.add(item.get());
    }
    return new Expression.TupleOf(items);
  }

  private boolean ends() {
    Token next = in.peek();
    return next.kind() == Kind.BLOCK_END
        || next.kind() == Kind.OUTPUT_END
        || next.is(Kind.OPERATOR, ")")
        || next.is(Kind.NAME, "if");
  }

  Expression expression() {
    if (++depth > MAX_DEPTH) {
      throw in.wrong("expressions stand within more than " + MAX_DEPTH + " others");
    }
    Expression value = or();
    while (in.takeName("if")) {
      Expression condition = or();
      Optional<Expression> no = in.takeName("else") ? Optional.of(expression()) : Optional.empty();
      value = new Expression.Conditional(condition, value, no);
    }
    depth--;
    return value;
  }

  private Expression or() {
    Expression left = and();
    while (in.takeName("or")) {
      left = new Expression.Logic(false, left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (in.takeName("and")) {
      left = new Expression.Logic(true, left, not());
    }
    return left;
  }

  private Expression not() {
    int line = in.line();
    int count = 0;
    while (in.takeName("not")) {
      count++;
    }
    Expression value = comparison();
    for (int i = 0; i < Math.min(count, 2 + count % 2); i++) {
      value = new Expression.Unary("not", value, line);
    }
    return value;
  }

  private Expression comparison() {
    int line = in.line();
    Expression first = sum();
    List<Step> steps = new ArrayList<>();
    while (true) {
      Token next = in.peek();
      if (next.kind() == Kind.OPERATOR && COMPARISONS.contains(next.text())) {
        steps.add(new Step(in.next().text(), sum()));
      } else if (in.takeName("in")) {
        steps.add(new Step("in", sum()));
      } else if (next.is(Kind.NAME, "not") && in.peekSecond().is(Kind.NAME, "in")) {
        in.next();
        in.next();
        steps.add(new Step("not in", sum()));
      } else {
        return steps.isEmpty() ? first : new Expression.Comparison(first, steps, line);
      }
    }
  }

  private Expression sum() {
    return binary(Set.of("+", "-"), this::concatenation);
  }

  private Expression concatenation() {
    return binary(Set.of("~"), this::product);
  }

  private Expression product() {
    return binary(Set.of("*", "/", "//", "%"), this::power);
  }

  private Expression power() {
    return binary(Set.of("**"), () -> unary(true));
  }

  private Expression binary(Set<String> operators, Supplier<Expression> operand) {
    Expression left = operand.get();
    while (in.peek().kind() == Kind.OPERATOR && operators.contains(in.peek().text())) {
      int line = in.line();
      left = new Expression.Binary(in.next().text(), left, operand.get(), line);
    }
    return left;
  }

  private Expression unary(boolean filters) {
    int line = in.line();
    Expression value;
    if (in.peek().is(Kind.OPERATOR, "-") || in.peek().is(Kind.OPERATOR, "+")) {
      String operator = in.next().text();
      if (++depth > MAX_DEPTH) {
        throw in.wrong("expressions stand within more than " + MAX_DEPTH + " others");
      }
      value = new Expression.Unary(operator, unary(false), line);
      depth--;
    } else {
      value = postfix(primary());
    }
    return filters ? filtered(value) : value;
  }

  private Expression primary() {
    Token token = in.next();
    return switch (token.kind()) {
      case NAME ->
          switch (token.text()) {
            case "true", "True" -> new Expression.Literal(true);
            case "false", "False" -> new Expression.Literal(false);
            case "none", "None" -> new Expression.Literal(null);
            default -> new Expression.Name(token.text());
          };
      case STRING -> {
        var text = new StringBuilder(token.text());
        while (in.peek().kind() == Kind.STRING) {
          text.append(in.next().text());
        }
        yield new Expression.Literal(text.toString());
      }
      case INTEGER, FLOAT -> number(token);
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> brackets();
            case "[" -> new Expression.ListOf(items("]"));
            case "{" -> dict();
            default -> throw unexpected(token);
          };
      case TEXT, OUTPUT_BEGIN, OUTPUT_END, BLOCK_BEGIN, BLOCK_END, END -> throw unexpected(token);
    };
  }

  private static TemplateException unexpected(Token token) {
    return new TemplateException(token.line(), "wanted an expression, found " + token);
  }

  private static Expression number(Token token) {
    try {
      return new Expression.Literal(
          token.kind() == Kind.INTEGER
              ? (Object) Long.valueOf(token.text())
              : (Object) Double.valueOf(token.text()));
    } catch (NumberFormatException e) {
      throw new TemplateException(token.line(), "a number too large: " + token.text());
    }
  }

  private Expression brackets() {
    if (in.take(")")) {
      return new Expression.TupleOf(List.of());
    }
    Expression inside = tuple();
    in.expect(Kind.OPERATOR, ")");
    return inside;
  }

  private List<Expression> items(String end) {
    List<Expression> items = new ArrayList<>();
    while (!in.take(end)) {
      if (!items.isEmpty()) {
        in.expect(Kind.OPERATOR, ",");
        if (in.take(end)) {
          break;
        }
      }
      items.add(expression());
    }
    return items;
  }

  private Expression dict() {
    List<Map.Entry<Expression, Expression>> entries = new ArrayList<>();
    while (!in.take("}")) {
      if (!entries.isEmpty()) {
        in.expect(Kind.OPERATOR, ",");
        if (in.take("}")) {
          break;
        }
      }
      Expression key = expression();
      in.expect(Kind.OPERATOR, ":");
      entries.add(Map.entry(key, expression()));
    }
    return new Expression.DictOf(entries);
  }

  private Expression postfix(Expression value) {
    while (true) {
      int line = in.line();
      if (in.take(".")) {
        value =
            in.peek().kind() == Kind.INTEGER
                ? new Expression.Item(value, number(in.next()), line)
                : new Expression.Attribute(value, in.name().text(), line);
      } else if (in.take("[")) {
        value = subscript(value, line);
      } else if (in.take("(")) {
        value = new Expression.Call(value, arguments(), line);
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression of, int line) {
    Optional<Expression> from =
        in.peek().is(Kind.OPERATOR, ":") ? Optional.empty() : Optional.of(expression());
    if (from.isPresent() && in.take("]")) {
      return new Expression.Item(of, from.get(), line);
    }
    in.expect(Kind.OPERATOR, ":");
    Optional<Expression> to = bound();
    Optional<Expression> step = in.take(":") ? bound() : Optional.empty();
    in.expect(Kind.OPERATOR, "]");
    return new Expression.Slice(of, from, to, step, line);
  }

  private Optional<Expression> bound() {
    Token next = in.peek();
    return next.is(Kind.OPERATOR, ":") || next.is(Kind.OPERATOR, "]")
        ? Optional.empty()
        : Optional.of(expression());
  }

  private Expression filtered(Expression value) {
    while (true) {
      int line = in.line();
      if (in.take("|")) {
        String name = in.name().text();
        value =
            new Expression.Filter(value, name, in.take("(") ? arguments() : Arguments.NONE, line);
      } else if (in.takeName("is")) {
        value = test(value, line);
      } else if (in.take("(")) {
        value = new Expression.Call(value, arguments(), line);
      } else {
        return value;
      }
    }
  }

  private Expression test(Expression value, int line) {
    boolean not = in.takeName("not");
    String name = in.name().text();
    Arguments arguments = Arguments.NONE;
    Token next = in.peek();
    boolean argument =
        next.kind() == Kind.NAME
            ? !AFTER_TEST.contains(next.text()) && !next.text().equals("is")
            : ARGUMENTS.contains(next.kind())
                || next.is(Kind.OPERATOR, "[")
                || next.is(Kind.OPERATOR, "{");
    if (in.take("(")) {
      arguments = arguments();
    } else if (argument) {
      arguments = new Arguments(List.of(postfix(primary())), Map.of());
    }
    Expression test = new Expression.Test(value, name, arguments, line);
    return not ? new Expression.Unary("not", test, line) : test;
  }

  /** What stands between the brackets of a call, the first of which is gone. */
  Arguments arguments() {
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    boolean first = true;
    while (!in.take(")")) {
      if (!first) {
        in.expect(Kind.OPERATOR, ",");
        if (in.take(")")) {
          break;
        }
      }
      first = false;
      if (in.peek().kind() == Kind.NAME && in.peekSecond().is(Kind.OPERATOR, "=")) {
        String name = in.next().text();
        in.next();
        named.put(name, expression());
      } else if (!named.isEmpty()) {
        throw in.wrong("an argument without a name stands behind one with");
      } else {
        positional.add(expression());
      }
    }
    return new Arguments(positional, named);
  }
}
